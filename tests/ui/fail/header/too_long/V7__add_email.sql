-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[statement_timeout = "600h"]
ALTER TABLE account ADD COLUMN email text;
