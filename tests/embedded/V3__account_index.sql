-- #[route(database = "default")]
-- #[no_transaction]
CREATE INDEX CONCURRENTLY account_name_idx ON account (name);
VACUUM account;
