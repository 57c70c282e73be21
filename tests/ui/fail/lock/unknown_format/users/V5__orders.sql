-- #[route(group = "users")]
CREATE TABLE orders (id int);
