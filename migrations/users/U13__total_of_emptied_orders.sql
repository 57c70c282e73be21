-- Hotfix: the sum over no lines is NULL, so taking the last line off an order failed. It was cut from
-- the release branch, hence a U: a shard may meet it after newer versions.
-- #[route(group = "users")]

CREATE OR REPLACE FUNCTION add_up_order() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sales_order
    SET total_cents = (SELECT coalesce(sum(amount_cents), 0) FROM order_line WHERE order_id = sales_order.id)
    WHERE id = coalesce(NEW.order_id, OLD.order_id);
    RETURN NULL;
END
$$;
