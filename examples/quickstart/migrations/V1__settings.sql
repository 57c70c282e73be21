-- Settings that an operator may change on one database without a release.
-- #[route(everywhere)]

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
