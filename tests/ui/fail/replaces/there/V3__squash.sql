-- #[route(group = "users")]
-- #[replaces(1, 2, 3)]
CREATE TABLE account_of_users (id bigint PRIMARY KEY, email text);
