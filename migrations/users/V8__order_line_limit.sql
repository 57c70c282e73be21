-- A slipped key ordered 20,000 kettles. New lines are held to 999 from here on; NOT VALID spares
-- the checkout a scan of all old lines under an exclusive lock.
-- #[route(group = "users")]
-- #[lock_timeout = "2s"]

ALTER TABLE order_line
    ADD CONSTRAINT order_line_quantity_limit CHECK (quantity <= 999) NOT VALID;
