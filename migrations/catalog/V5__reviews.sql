-- Reviews belong to the product and not to the account, whose shard they cannot refer to: `author_id` is only a number here.

CREATE DOMAIN star_rating AS smallint CHECK (VALUE BETWEEN 1 AND 5);

CREATE TABLE review (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    author_id  bigint NOT NULL,
    stars      star_rating NOT NULL,
    body       text,
    written_at timestamptz NOT NULL DEFAULT now(),
    hidden_at  timestamptz,
    UNIQUE (product_id, author_id)
);
