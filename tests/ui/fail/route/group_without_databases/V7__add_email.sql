-- #[route(group = "orders")]
ALTER TABLE account ADD COLUMN email text;
