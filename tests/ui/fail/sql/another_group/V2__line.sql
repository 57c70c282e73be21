-- #[route(any(group = "users", database = "default"))]
CREATE TABLE line (
    id  bigint PRIMARY KEY,
    sku text REFERENCES product (sku)
);
