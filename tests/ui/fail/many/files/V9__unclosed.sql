-- #[route(group = "users")]
INSERT INTO city (name) VALUES ('Köln);
