-- #[route(everywhere)]
SELECT 1;
