-- #[route(any(database = "users_01", database = "default"))]
CREATE TABLE account (id int);
ALTER TABLE account ADD email text;
