-- An example: make it your own before you run it.
-- #[route(group = "users")]
CREATE TABLE account (
    id bigint PRIMARY KEY,
    email text NOT NULL
);
