DROP TRIGGER price_audit ON price;
