-- #[lock_timout = "2s"] #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text;
