-- #[route(group = "users")]
CREATE TABLE account (id int);
