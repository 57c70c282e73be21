-- What the limit of a plan is checked against.
-- #[route(group = "users")]

CREATE VIEW account_usage AS
SELECT account.id AS account_id, account.plan_code, count(note.id) AS note_count
FROM account
LEFT JOIN note ON note.account_id = account.id AND note.binned_at IS NULL
GROUP BY account.id;
