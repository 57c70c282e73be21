-- What every schema of the shop shares: an amount carries an ISO 4217 code, and a row that changes says when.
-- #[route(everywhere)]

CREATE DOMAIN currency_code AS text
    CONSTRAINT currency_code_is_iso4217 CHECK (VALUE ~ '^[A-Z]{3}$');

CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
