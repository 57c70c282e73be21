-- Events leave through a table that is written in the transaction of the change itself, so none is lost or sent in vain.
-- The shards publish orders, the global database coupons; the catalog publishes nothing and gets no outbox.
-- #[route(any(group = "users", database = "default"))]

CREATE TABLE outbox_event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        text NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);

CREATE INDEX outbox_event_unpublished_idx ON outbox_event (id) WHERE published_at IS NULL;

-- Wakes the relay at commit; it still polls, for what was written while it was down.
CREATE FUNCTION announce_outbox() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_event_announce
    AFTER INSERT ON outbox_event
    FOR EACH STATEMENT EXECUTE FUNCTION announce_outbox();
