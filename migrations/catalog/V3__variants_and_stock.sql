-- What is sold is a variant, known by its sku. Stock is a table of its own:
-- it changes with every sale, the rest hardly ever.

CREATE TABLE variant (
    sku        text PRIMARY KEY CHECK (sku = upper(sku)),
    product_id bigint NOT NULL REFERENCES product (id),
    options    jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX variant_product_id_idx ON variant (product_id);

CREATE TABLE stock (
    sku      text PRIMARY KEY REFERENCES variant (sku),
    on_hand  integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
    reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    CHECK (reserved <= on_hand)
) WITH (fillfactor = 70);
