-- The auditors ask every database the same question: who changed this row, and what was in it before?
-- Each schema attaches the trigger to its own tables, with the name of their key column as argument.
-- #[route(everywhere)]

CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL DEFAULT session_user,
    table_name text NOT NULL,
    row_key    text NOT NULL,
    action     text NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
    old_row    jsonb,
    new_row    jsonb
);

CREATE INDEX audit_log_row_idx ON audit_log (table_name, row_key, at);

CREATE FUNCTION record_audit() RETURNS trigger
LANGUAGE plpgsql AS $audit$
DECLARE
    was jsonb := to_jsonb(OLD);  -- NULL for an insert
    now_is jsonb := to_jsonb(NEW);  -- NULL for a delete
BEGIN
    INSERT INTO audit_log (table_name, row_key, action, old_row, new_row)
    VALUES (TG_TABLE_NAME, coalesce(now_is, was) ->> TG_ARGV[0], lower(TG_OP), was, now_is);
    RETURN NULL;
END
$audit$;
