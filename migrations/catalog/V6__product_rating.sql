-- Listings sort by rating, which nobody needs by the second. The unique index is what REFRESH .. CONCURRENTLY asks for.

CREATE MATERIALIZED VIEW product_rating AS
SELECT product_id, count(*) AS review_count, round(avg(stars), 2) AS stars
FROM review
WHERE hidden_at IS NULL
GROUP BY product_id;

CREATE UNIQUE INDEX product_rating_product_id_key ON product_rating (product_id);
