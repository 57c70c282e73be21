-- Customers asked for an address book. The partial index lets an account mark at most one address as its default.
-- #[route(group = "users")]

CREATE TABLE address (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    recipient    text NOT NULL,
    street       text NOT NULL,
    postal_code  text,
    city         text NOT NULL,
    country_code text NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
    is_default   boolean NOT NULL DEFAULT false
);

CREATE INDEX address_account_id_idx ON address (account_id);
CREATE UNIQUE INDEX address_one_default_key ON address (account_id) WHERE is_default;
