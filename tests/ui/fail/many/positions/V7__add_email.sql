-- #[route(group = "user")]
ALTER TABLE account ADD COLUMN email text;
