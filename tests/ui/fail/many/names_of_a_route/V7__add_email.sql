-- #[route(any(group = "user", all(label = "us", not(database = "users_03"))))]
ALTER TABLE account ADD COLUMN email text;
