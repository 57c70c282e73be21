-- #[route(group = "users")]
-- #[no_transaction]
SET ROLE owner;
CREATE INDEX CONCURRENTLY account_email ON account (email);
