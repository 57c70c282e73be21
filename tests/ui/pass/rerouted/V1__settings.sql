-- #[route(everywhere)]
CREATE TABLE setting (name text);
