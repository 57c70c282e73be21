-- #[route(label = "eu")]
-- #[replaces(4, 5, 6, 7)]
-- #[replaces(6, 7)]
CREATE TABLE account (id bigint PRIMARY KEY, email text);
