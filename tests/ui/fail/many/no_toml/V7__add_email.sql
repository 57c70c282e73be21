-- #[route(grup = "users")]
-- #[lock_timeout = 2]
ALTER TABLE account ADD COLUMN email text;
