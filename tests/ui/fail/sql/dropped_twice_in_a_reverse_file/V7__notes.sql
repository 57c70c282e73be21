-- #[route(everywhere)]
CREATE TABLE note (body text);
