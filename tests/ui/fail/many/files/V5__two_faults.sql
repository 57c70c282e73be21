-- #[route(group = "user")]
-- #[lock_timout = "2s"]
BEGIN;
ALTER TABLE account ADD COLUMN email text;
COMMIT;
