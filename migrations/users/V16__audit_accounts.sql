-- Accounts and addresses are personal data: every change to them is kept.
-- #[route(group = "users")]
-- #[lock_timeout = "2s"]

CREATE TRIGGER account_audit
    AFTER INSERT OR UPDATE OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION record_audit('id');

CREATE TRIGGER address_audit
    AFTER INSERT OR UPDATE OR DELETE ON address
    FOR EACH ROW EXECUTE FUNCTION record_audit('id');
