-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[= "2s"]
ALTER TABLE account ADD COLUMN email text;
