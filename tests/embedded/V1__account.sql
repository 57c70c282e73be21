-- #[route(any(label = "eu", not(label = "eu")))]
-- #[barrier]
-- #[lock_timeout = "2s"]
CREATE TABLE account (id bigint PRIMARY KEY);
CREATE INDEX account_idx ON account (id);
