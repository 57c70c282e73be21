-- What support has on screen when a customer calls; a view, so that the tool needs no right on the tables behind it.
-- #[route(group = "users")]

CREATE VIEW account_overview AS
SELECT a.id,
       a.email,
       a.display_name,
       a.created_at,
       home.city,
       home.country_code,
       orders.order_count,
       orders.last_placed_at
FROM account AS a
LEFT JOIN address AS home ON home.account_id = a.id AND home.is_default
CROSS JOIN LATERAL (
    SELECT count(*) AS order_count, max(o.placed_at) AS last_placed_at
    FROM sales_order AS o
    WHERE o.account_id = a.id AND o.status <> 'cancelled'
) AS orders;
