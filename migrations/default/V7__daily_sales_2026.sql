-- The year's routine: next year's partition before its first row, while the table has nothing to move.
-- #[route(database = "default")]
-- #[lock_timeout = "2s"]

CREATE TABLE daily_sales_2026 PARTITION OF daily_sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
