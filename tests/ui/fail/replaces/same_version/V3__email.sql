-- #[route(label = "eu")]
CREATE TABLE email (id bigint PRIMARY KEY);
