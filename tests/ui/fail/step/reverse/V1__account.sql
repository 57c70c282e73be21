-- #[route(everywhere)]
CREATE TABLE account (id int);
