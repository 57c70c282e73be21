-- #[route(not(group = "users"))]
CREATE TABLE setting (id bigint PRIMARY KEY);
