DROP TABLE coupon_redemption;
DROP TABLE coupon;
