-- Adds the address that the mailer reads.
-- #[route(label = "us")]
ALTER TABLE account ADD COLUMN email text;
