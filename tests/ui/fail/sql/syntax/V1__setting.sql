-- #[route(everywhere)]
CREATE TABLE setting (
    name  text PRIMARY KEY
    value text NOT NULL
);
