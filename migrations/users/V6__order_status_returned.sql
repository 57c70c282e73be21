-- Returns become a state of an order. Alone in its file, because a new enum value cannot be used
-- in the transaction that adds it; and without a reverse, because PostgreSQL cannot take one away.
-- #[route(group = "users")]

ALTER TYPE order_status ADD VALUE 'returned' AFTER 'delivered';
