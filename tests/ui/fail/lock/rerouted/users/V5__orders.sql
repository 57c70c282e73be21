-- #[route(label = "eu")]
CREATE TABLE orders (id int);
