-- Adds the address that the mailer reads.
-- #[route(database = "users_03")]
ALTER TABLE account ADD COLUMN email text;
