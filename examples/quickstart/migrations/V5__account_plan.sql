-- The plan's code alone: `plan` is a table of another database, out of reach of a foreign key.
-- #[route(group = "users")]

ALTER TABLE account ADD COLUMN plan_code TEXT NOT NULL DEFAULT 'free';
