-- #[route(label = "eu")]
SELECT 1;
