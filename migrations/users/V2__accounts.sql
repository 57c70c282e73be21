-- An account lives on the shard that signed it up, and its id carries the shard's number, so that an id alone finds it.
-- The number stands above bit 44: 511 shards fit into the 53 bits that a JSON client reads exactly.
-- #[route(group = "users")]
-- #[vars(shard_id)]

CREATE DOMAIN email_address AS text
    CONSTRAINT email_address_is_plausible CHECK (VALUE LIKE '_%@_%' AND length(VALUE) <= 254);

CREATE SEQUENCE shard_row_id AS bigint MAXVALUE 17592186044415;  -- 2^44 - 1

CREATE TABLE account (
    id           bigint PRIMARY KEY DEFAULT (${shard_id}::bigint << 44) | nextval('shard_row_id'),
    email        email_address NOT NULL,
    display_name text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_id_is_of_this_shard CHECK (id >> 44 = ${shard_id})
);

CREATE UNIQUE INDEX account_email_key ON account (lower(email));

CREATE TRIGGER account_touch_updated_at
    BEFORE UPDATE ON account
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
