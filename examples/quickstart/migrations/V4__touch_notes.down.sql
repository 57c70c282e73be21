DROP TRIGGER note_touch_updated_at;
