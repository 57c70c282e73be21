-- Prices are planned ahead and never overwritten: the newest one that has begun is the price of the day.

CREATE TABLE price (
    sku          text NOT NULL REFERENCES variant (sku),
    currency     currency_code NOT NULL,
    valid_from   timestamptz NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    PRIMARY KEY (sku, currency, valid_from)
);

CREATE VIEW current_price AS
SELECT DISTINCT ON (sku, currency) sku, currency, amount_cents, valid_from
FROM price
WHERE valid_from <= now()
ORDER BY sku, currency, valid_from DESC;
