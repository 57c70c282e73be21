-- "My orders" scans the table, which has a billion rows.
-- #[route(everywhere)]

CREATE INDEX orders_account_idx
    ON orders (account_id);

-- This only warns, which a macro cannot do.
DROP VIEW open_orders;
