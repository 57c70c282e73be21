-- #[route(group = "users")]
-- #[vars(shard_id)]
-- Why: quotes, escapes and braces come through as they are.
INSERT INTO setting (name, value) VALUES
    ('quotes', 'it''s "quoted" \n \\ r#"raw"# {braces} {{}} %s'),
    ('signs', 'Łódź → 東京 🐘	tab'),
    ('shard', '${shard_id}'), ('other', '${other}');
