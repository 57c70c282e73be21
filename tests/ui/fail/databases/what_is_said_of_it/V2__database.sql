-- #[route(database = "users_02")]
SELECT 1;
