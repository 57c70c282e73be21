-- "My orders" scanned the shard. The table is too busy for an index build that blocks writes.
-- #[route(group = "users")]
-- #[no_transaction]

CREATE INDEX CONCURRENTLY sales_order_account_idx ON sales_order (account_id, placed_at DESC);
