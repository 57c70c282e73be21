-- A coupon is money: the auditors want to know who made it, and who raised it afterwards.
-- #[route(database = "default")]
-- #[lock_timeout = "2s"]

CREATE TRIGGER coupon_audit
    AFTER INSERT OR UPDATE OR DELETE ON coupon
    FOR EACH ROW EXECUTE FUNCTION record_audit('code');
