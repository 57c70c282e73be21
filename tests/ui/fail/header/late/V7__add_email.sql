-- Adds the address that the mailer reads.
-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text;

-- #[no_transaction]
CREATE INDEX CONCURRENTLY account_email ON account (email);
