-- #[route(group = "users")]
SAVEPOINT before;
ALTER TABLE account ADD COLUMN email text;
