-- #[route(group = "users")]
BEGIN;
ALTER TABLE account ADD COLUMN email text;
