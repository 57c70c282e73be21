-- Came late, from another branch.
-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text;
