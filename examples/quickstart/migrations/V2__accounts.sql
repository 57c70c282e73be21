-- The people whose notes we keep; each lives on one of the four shards.
-- #[route(group = "users")]

CREATE TABLE account (
    id         INTEGER PRIMARY KEY,
    email      TEXT NOT NULL COLLATE NOCASE UNIQUE,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
