-- #[route(group = "users")]
-- #[no_transaction]
CREATE INDEX CONCURRENTLY account_email ON account (email);
COMMIT;
