-- Adds the address that the mailer reads.
-- #[route]
ALTER TABLE account ADD COLUMN email text;
