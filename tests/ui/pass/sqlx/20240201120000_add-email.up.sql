-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text;
