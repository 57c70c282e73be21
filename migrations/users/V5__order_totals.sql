-- The order list summed up all lines of every order that it showed. The total now stands on the order, kept by a trigger.
-- #[route(group = "users")]
-- #[lock_timeout = "2s"]

ALTER TABLE sales_order ADD COLUMN total_cents bigint NOT NULL DEFAULT 0;

CREATE FUNCTION add_up_order() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sales_order
    SET total_cents = (SELECT sum(amount_cents) FROM order_line WHERE order_id = sales_order.id)
    WHERE id = coalesce(NEW.order_id, OLD.order_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER order_line_add_up
    AFTER INSERT OR UPDATE OR DELETE ON order_line
    FOR EACH ROW EXECUTE FUNCTION add_up_order();

UPDATE sales_order
SET total_cents = summed.total_cents
FROM (SELECT order_id, sum(amount_cents) AS total_cents FROM order_line GROUP BY order_id) AS summed
WHERE summed.order_id = sales_order.id;
