-- #[route(group = "catalog")]
CREATE TABLE item (id bigint PRIMARY KEY);
