DROP TRIGGER order_line_add_up ON order_line;
DROP FUNCTION add_up_order();
ALTER TABLE sales_order DROP COLUMN total_cents;
