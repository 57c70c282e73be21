-- #[route(group = "catalog", label = "eu")]
ALTER TABLE item ADD COLUMN price numeric;
