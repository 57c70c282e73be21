-- #[route(database = "default")]
CREATE TABLE product (id int);
