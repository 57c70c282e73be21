-- #[route(label = "eu")]
ALTER TABLE account ADD COLUMN phone text;
