-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[vars()]
ALTER TABLE account ADD COLUMN email text;
