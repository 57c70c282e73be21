-- #[route(group = "users")]
-- #[replaces(1, 2, 3)]
CREATE TABLE account (id bigint PRIMARY KEY, email text);
