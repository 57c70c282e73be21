DROP TRIGGER coupon_audit ON coupon;
