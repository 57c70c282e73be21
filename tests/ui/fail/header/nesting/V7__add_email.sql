-- Adds the address that the mailer reads.
-- #[route(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(not(everywhere)))))))))))))))))))))))))))))))))))))))))]
ALTER TABLE account ADD COLUMN email text;
