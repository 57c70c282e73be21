-- Forty rows, and written once a year.
-- #[route(group = "users")]
-- #[allow(index-not-concurent)]
CREATE INDEX country_name_idx ON country (name);
