-- Notes are listed newest first, those in the bin left out, and the index holds just that.
-- #[route(group = "users")]

CREATE TABLE note (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    body       TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    binned_at  TEXT
);

CREATE INDEX note_account_idx ON note (account_id, updated_at DESC) WHERE binned_at IS NULL;
