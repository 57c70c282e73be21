-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text DEFAULT 'nobody@example.com;
ALTER TABLE account ADD COLUMN phone text;
