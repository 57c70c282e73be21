-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN phone text;
