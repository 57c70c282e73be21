-- One switch for the whole fleet: a feature that is half on is switched here, and not shard by shard.
-- #[route(database = "default")]

CREATE TABLE feature_flag (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z]+(_[a-z]+)*$'),
    percent_on smallint NOT NULL DEFAULT 0 CHECK (percent_on BETWEEN 0 AND 100),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER feature_flag_touch_updated_at
    BEFORE UPDATE ON feature_flag
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

INSERT INTO feature_flag (name, percent_on) VALUES
    ('returns_by_line', 100),
    ('carrier_by_weight', 10);
