-- no-transaction
-- #[route(group = "users")]
CREATE INDEX CONCURRENTLY account_email ON account (email);
CREATE INDEX CONCURRENTLY account_email_id ON account (email, id);
