-- Adds the address that the mailer reads.

ALTER TABLE account ADD COLUMN email text;
-- #[route(group = "users")]
