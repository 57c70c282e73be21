-- #[route(group = "catalog")]
CREATE TABLE product (sku text PRIMARY KEY);
