-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[no_transaction = "yes"]
ALTER TABLE account ADD COLUMN email text;
