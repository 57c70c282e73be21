-- A price that was announced and then changed is a legal matter in both regions.
-- #[lock_timeout = "2s"]

CREATE TRIGGER price_audit
    AFTER UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION record_audit('sku');
