-- Where the shop sells, and in what money. The list is short and changes by decision, so it comes with the code.
-- #[route(database = "default")]

CREATE TABLE currency (
    code        currency_code PRIMARY KEY,
    minor_units smallint NOT NULL CHECK (minor_units BETWEEN 0 AND 4)
);

CREATE TABLE country (
    code     text PRIMARY KEY CHECK (code ~ '^[A-Z]{2}$'),
    name     text NOT NULL UNIQUE,
    currency currency_code NOT NULL REFERENCES currency (code)
);

INSERT INTO currency (code, minor_units) VALUES
    ('EUR', 2),
    ('USD', 2),
    ('JPY', 0);

INSERT INTO country (code, name, currency) VALUES
    ('DE', 'Germany', 'EUR'),
    ('FR', 'France', 'EUR'),
    ('JP', 'Japan', 'JPY'),
    ('US', 'United States', 'USD');
