-- #[route(any(group = "users", database = "default"))]
CREATE TABLE setting (name text PRIMARY KEY, value text NOT NULL);
