-- A coupon is good on every shard, so it can only be counted here. It takes off a share or an amount, never both.
-- #[route(database = "default")]

CREATE TABLE coupon (
    code            text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{4,16}$'),
    percent_off     smallint CHECK (percent_off BETWEEN 1 AND 100),
    off_cents       bigint CHECK (off_cents > 0),
    currency        currency_code REFERENCES currency (code),
    valid           tstzrange NOT NULL,
    max_redemptions integer CHECK (max_redemptions > 0),
    withdrawn_at    timestamptz,
    CHECK (num_nonnulls(percent_off, off_cents) = 1),
    CHECK ((off_cents IS NULL) = (currency IS NULL))
);

CREATE INDEX coupon_valid_idx ON coupon USING gist (valid) WHERE withdrawn_at IS NULL;

CREATE TABLE coupon_redemption (
    coupon_code text NOT NULL REFERENCES coupon (code),
    order_id    bigint NOT NULL,
    redeemed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (coupon_code, order_id)
);
