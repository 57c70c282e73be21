-- The catalog begins. It is version 2 here as accounts are on the shards and currencies on `default`:
-- a version is unique on one database, not over the fleet. The route stands in databases.toml, once for this folder.

CREATE TABLE category (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id bigint REFERENCES category (id),
    slug      text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    title     text NOT NULL
);

CREATE INDEX category_parent_id_idx ON category (parent_id);

CREATE TABLE product (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id  bigint NOT NULL REFERENCES category (id),
    title        text NOT NULL,
    description  text NOT NULL DEFAULT '',
    published_at timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    search       tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')
    ) STORED
);

CREATE INDEX product_category_id_idx ON product (category_id);
CREATE INDEX product_search_idx ON product USING gin (search);

CREATE TRIGGER product_touch_updated_at
    BEFORE UPDATE ON product
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

INSERT INTO category (slug, title) VALUES
    ('kitchen', 'Kitchen'),
    ('garden', 'Garden');

INSERT INTO category (parent_id, slug, title)
SELECT id, 'kettles', 'Kettles' FROM category WHERE slug = 'kitchen';
