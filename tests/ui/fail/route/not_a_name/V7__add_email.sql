-- Adds the address that the mailer reads.
-- #[route(group = "all users")]
ALTER TABLE account ADD COLUMN email text;
