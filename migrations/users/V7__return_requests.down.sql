DROP VIEW refund_due;
DROP TABLE return_request;
