-- Adds the address that the mailer reads.
-- #[route(any())]
ALTER TABLE account ADD COLUMN email text;
