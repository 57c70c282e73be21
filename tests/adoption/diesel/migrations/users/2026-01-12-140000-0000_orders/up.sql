CREATE TABLE shop_order (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account (id)
);
