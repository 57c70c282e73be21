-- #[route(everywhere)]
-- #[replaces(1, 2, 3, 4)]
CREATE TABLE account (id bigint PRIMARY KEY, email text);
