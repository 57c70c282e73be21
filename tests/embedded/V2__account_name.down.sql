-- #[lock_timeout = "1s"]
ALTER TABLE account DROP COLUMN name;
