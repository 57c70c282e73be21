-- #[route(database = "default")]
-- #[requires("default:1")]
-- #[statement_timeout = "1min"]
ALTER TABLE account ADD COLUMN name text;
