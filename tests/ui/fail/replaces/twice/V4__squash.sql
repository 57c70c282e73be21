-- #[route(everywhere)]
-- #[replaces(2, 4)]
CREATE TABLE setting (name text PRIMARY KEY);
