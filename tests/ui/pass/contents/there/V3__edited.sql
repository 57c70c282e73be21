-- #[route(not(label = "eu"))]
CREATE TABLE setting (name text PRIMARY KEY, value text NOT NULL); -- edited
