-- Adds the address that the mailer reads.
-- #[route("users")]
ALTER TABLE account ADD COLUMN email text;
