-- #[route(group = "users")]
ALTER TABLE account ADD COLUMN email text;
/* Later:
ALTER TABLE account ADD COLUMN phone text;
