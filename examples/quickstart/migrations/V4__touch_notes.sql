-- Two clients forgot to set `updated_at`, so the database does it.
-- #[route(group = "users")]

CREATE TRIGGER note_touch_updated_at
AFTER UPDATE OF body ON note
FOR EACH ROW
BEGIN
    UPDATE note SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
