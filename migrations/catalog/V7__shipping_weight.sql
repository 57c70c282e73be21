-- The new carrier charges by weight. From here on the application writes it; what is in stock already
-- counts as 500 g until the warehouse has weighed it.
-- #[lock_timeout = "2s"]

ALTER TABLE variant ADD COLUMN weight_grams integer;
ALTER TABLE variant ADD CONSTRAINT variant_weight_known
    CHECK (weight_grams IS NOT NULL AND weight_grams > 0) NOT VALID;

UPDATE variant SET weight_grams = 500 WHERE weight_grams IS NULL;
