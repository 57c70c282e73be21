CREATE TABLE plan (
    name text PRIMARY KEY,
    price_cents bigint NOT NULL
);
