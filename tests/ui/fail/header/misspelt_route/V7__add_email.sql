-- Adds the address that the mailer reads.
-- #[rout(group = "users")]
ALTER TABLE account ADD COLUMN email text;
