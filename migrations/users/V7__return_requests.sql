-- A customer sends back single lines; the order as a whole counts as returned when the warehouse says so.
-- #[route(group = "users")]

CREATE TABLE return_request (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     bigint NOT NULL,
    line_no      integer NOT NULL,
    quantity     integer NOT NULL CHECK (quantity > 0),
    reason       text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    received_at  timestamptz,
    FOREIGN KEY (order_id, line_no) REFERENCES order_line (order_id, line_no) ON DELETE CASCADE
);

CREATE INDEX return_request_line_idx ON return_request (order_id, line_no);

CREATE VIEW refund_due AS
SELECT o.id AS order_id,
       o.account_id,
       o.currency,
       sum(r.quantity * l.unit_price_cents)::bigint AS refund_cents
FROM sales_order AS o
JOIN return_request AS r ON r.order_id = o.id
JOIN order_line AS l ON l.order_id = r.order_id AND l.line_no = r.line_no
WHERE o.status = 'returned' AND r.received_at IS NOT NULL
GROUP BY o.id;
