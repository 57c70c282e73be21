-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #![no_transaction]
ALTER TABLE account ADD COLUMN email text;
