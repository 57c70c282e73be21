-- Why: quotes, escapes and braces come through as they are.
-- #[route(any(group = "users", all(label = "eu", not(database = "users_01"))))]
-- #[lock_timeout = "2s"] #[statement_timeout = "1min"]
-- #[vars(shard_id)]
INSERT INTO setting (name, value) VALUES
    ('quotes', 'it''s "quoted" \n \\ r#"raw"# {braces} {{}} %s'),
    ('signs', 'Łódź → 東京 🐘	tab'),
    ('shard', '${shard_id}'), ('other', '${other}');
