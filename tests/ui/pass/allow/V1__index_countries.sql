-- #[route(everywhere)]
-- Two hundred rows, and written once a year.
-- #[allow(index-not-concurrent)]
CREATE INDEX country_name_idx ON country (name);
