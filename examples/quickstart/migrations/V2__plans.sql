-- What a subscription costs. Version 2 again: this is another database, with a history of its own.
-- #[route(database = "default")]

CREATE TABLE plan (
    code        TEXT NOT NULL PRIMARY KEY,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    max_notes   INTEGER
);

INSERT INTO plan (code, price_cents, max_notes) VALUES
    ('free', 0, 100),
    ('pro', 500, NULL);
