-- Adds the address that the mailer reads.
-- #[route(gruop = "users")]
ALTER TABLE account ADD COLUMN email text;
