-- Adds the address that the mailer reads.
-- #[route(database = "users_01_replica")]
ALTER TABLE account ADD COLUMN email text;
