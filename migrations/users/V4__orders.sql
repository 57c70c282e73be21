-- Orders stand beside their account, on one shard, so that a checkout is one local transaction.
-- A line copies the product's sku, title and price: the catalog is another database, and an invoice must not change with it.
-- #[route(group = "users")]
-- #[vars(shard_id)]

CREATE TYPE order_status AS ENUM ('placed', 'paid', 'shipped', 'delivered', 'cancelled');

CREATE TABLE sales_order (
    id         bigint PRIMARY KEY DEFAULT (${shard_id}::bigint << 44) | nextval('shard_row_id'),
    account_id bigint NOT NULL REFERENCES account (id),
    status     order_status NOT NULL DEFAULT 'placed',
    currency   currency_code NOT NULL,
    placed_at  timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The warehouse polls for open orders, a sliver of the table.
CREATE INDEX sales_order_open_idx ON sales_order (placed_at) WHERE status IN ('placed', 'paid');

CREATE TRIGGER sales_order_touch_updated_at
    BEFORE UPDATE ON sales_order
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE order_line (
    order_id         bigint NOT NULL REFERENCES sales_order (id) ON DELETE CASCADE,
    line_no          integer NOT NULL,
    sku              text NOT NULL,
    title            text NOT NULL,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price_cents bigint NOT NULL CHECK (unit_price_cents >= 0),
    amount_cents     bigint NOT NULL GENERATED ALWAYS AS (quantity * unit_price_cents) STORED,
    PRIMARY KEY (order_id, line_no)
);
