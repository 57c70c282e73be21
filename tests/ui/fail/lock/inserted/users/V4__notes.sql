-- #[route(database = "users_01")]
CREATE TABLE note (id int);
