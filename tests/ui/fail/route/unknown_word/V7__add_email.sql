-- Adds the address that the mailer reads.
-- #[route(nowhere)]
ALTER TABLE account ADD COLUMN email text;
