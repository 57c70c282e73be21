DELETE FROM plan WHERE name IN ('free', 'team');
