DROP TRIGGER address_audit ON address;
DROP TRIGGER account_audit ON account;
