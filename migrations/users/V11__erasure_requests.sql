-- GDPR: an account's data goes within 30 days of the wish. Only the European shards owe this.
-- No foreign key: the row is the proof that remains after the account is gone.
-- #[route(all(group = "users", label = "eu"))]

CREATE TABLE erasure_request (
    account_id   bigint PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT now(),
    due_on       date NOT NULL GENERATED ALWAYS AS ((requested_at AT TIME ZONE 'UTC')::date + 30) STORED,
    completed_at timestamptz
);

CREATE INDEX erasure_request_due_idx ON erasure_request (due_on) WHERE completed_at IS NULL;
