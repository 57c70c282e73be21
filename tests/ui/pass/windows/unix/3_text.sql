-- no-transaction
-- #[route(group = "users")]
-- #[lock_timeout = "2s"]
INSERT INTO setting (name, value) VALUES ('text', 'two
lines');
