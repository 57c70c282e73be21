-- Every variant has a weight now. With the constraint proven, SET NOT NULL does not scan the table again.
-- #[lock_timeout = "2s"]
-- #[statement_timeout = "15min"]

ALTER TABLE variant VALIDATE CONSTRAINT variant_weight_known;
ALTER TABLE variant ALTER COLUMN weight_grams SET NOT NULL;
