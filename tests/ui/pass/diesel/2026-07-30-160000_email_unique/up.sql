-- #[route(group = "users")]
ALTER TABLE account ADD UNIQUE (email);
