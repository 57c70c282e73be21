ALTER TABLE account ADD COLUMN email text;

ALTER TABLE account ADD COLUMN phone text;
