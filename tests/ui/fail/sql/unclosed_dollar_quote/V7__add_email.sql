-- #[route(group = "users")]
DO $body$
BEGIN
  ALTER TABLE account ADD COLUMN email text;
END
$bodi$;
