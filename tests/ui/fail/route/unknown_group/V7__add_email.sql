-- Adds the address that the mailer reads.
-- #[route(group = "user")]
ALTER TABLE account ADD COLUMN email text;
