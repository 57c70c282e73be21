-- Every night each shard reports its day here, and finance reads one place.
-- A partition a year keeps old years cheap to detach.
-- #[route(database = "default")]

CREATE TABLE daily_sales (
    day           date NOT NULL,
    shard_id      smallint NOT NULL,
    currency      currency_code NOT NULL REFERENCES currency (code),
    order_count   bigint NOT NULL CHECK (order_count >= 0),
    revenue_cents bigint NOT NULL,
    PRIMARY KEY (day, shard_id, currency)
) PARTITION BY RANGE (day);

CREATE TABLE daily_sales_2024 PARTITION OF daily_sales FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE daily_sales_2025 PARTITION OF daily_sales FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
