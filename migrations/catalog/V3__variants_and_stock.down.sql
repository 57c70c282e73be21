DROP TABLE stock;
DROP TABLE variant;
