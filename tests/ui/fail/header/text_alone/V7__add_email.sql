-- Adds the address that the mailer reads.
-- #["users"]
ALTER TABLE account ADD COLUMN email text;
