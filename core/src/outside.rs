//! Statements outside a transaction, and how to go on when a run broke off in the middle of one.

use crate::Text;

/// What is known of a statement that runs outside a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Outside {
    /// How to go on when a run broke off while it may have been running.
    pub resume: Resume,
    /// Whether it is one of those that PostgreSQL calls `CONCURRENTLY`: it takes several transactions,
    /// waits for those of others without anybody queueing behind it, and an error undoes only its last
    /// part.
    pub concurrently: bool,
    /// Whether an error undoes all of it: not for those, nor for a block that may commit in its middle.
    pub is_atomic: bool,
}

/// How to go on when nobody knows whether a statement was run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resume {
    /// Run it again: it does no harm twice (`.. IF NOT EXISTS`, `VACUUM`).
    Again,
    /// `SET`: it is gone with its session, so it is run again before any later statement is.
    Setting,
    /// `CREATE INDEX CONCURRENTLY`: an index that is there and valid is done; one that is invalid is what
    /// the run left, to be dropped and built again.
    CreateIndex {
        /// The index as it is written, without a schema: it has its table's.
        index: Text,
        /// The table as it is written.
        table: Text,
    },
    /// `DROP INDEX CONCURRENTLY`: done when there is no such index.
    DropIndex {
        /// The index as it is written.
        index: Text,
    },
    /// Somebody has to look.
    Unknown,
}

#[cfg(feature = "compile")]
pub use read::read;

#[cfg(feature = "compile")]
mod read {
    use std::ops::Range;

    use super::{Outside, Resume};
    use crate::Text;
    use crate::lex::Token;

    /// Statements that do no harm twice, by their first word.
    const AGAIN: [&str; 12] = [
        "ANALYSE",
        "ANALYZE",
        "CHECKPOINT",
        "CLUSTER",
        "COMMENT",
        "GRANT",
        "PRAGMA",
        "REASSIGN",
        "REFRESH",
        "REINDEX",
        "REVOKE",
        "VACUUM",
    ];

    /// What lasts for the session.
    const SETTINGS: [&str; 2] = ["RESET", "SET"];

    /// Blocks that may commit in their middle.
    const BLOCKS: [&str; 2] = ["CALL", "DO"];

    /// Reads it off the words of a statement.
    pub fn read(sql: &str, span: Range<usize>, tokens: &[Token]) -> Outside {
        let words = words(sql, span, tokens);
        let statement = Words { sql, words: &words };
        let concurrently = statement.position(&["CONCURRENTLY"]).is_some();
        let is_atomic = !concurrently && !BLOCKS.contains(&statement.first());
        Outside { resume: statement.resume(concurrently), concurrently, is_atomic }
    }

    /// The words outside of any parentheses, in capitals; other tokens as they are.
    fn words(sql: &str, span: Range<usize>, tokens: &[Token]) -> Vec<(String, Range<usize>)> {
        let first = tokens.partition_point(|token| token.span.start < span.start);
        let mut depth = 0_usize;
        let mut words = Vec::new();
        for token in tokens[first..].iter().take_while(|token| token.span.end <= span.end) {
            let text = &sql[token.span.clone()];
            match text {
                ")" => depth = depth.saturating_sub(1),
                _ if !token.is_code() => continue,
                _ if depth == 0 && token.is_quoted() => words.push((text.to_owned(), token.span.clone())),
                _ if depth == 0 => words.push((text.to_ascii_uppercase(), token.span.clone())),
                _ => {}
            }
            if text == "(" {
                depth += 1;
            }
        }
        words
    }

    struct Words<'a> {
        sql: &'a str,
        words: &'a [(String, Range<usize>)],
    }

    impl Words<'_> {
        fn first(&self) -> &str {
            self.words.first().map_or("", |(word, _)| word)
        }

        fn resume(&self, concurrently: bool) -> Resume {
            let first = self.first();
            let has = |words: &[&str]| self.position(words).is_some();
            let one_action = !has(&[","]);
            let again = match first {
                word if SETTINGS.contains(&word) => return Resume::Setting,
                "CREATE" if concurrently && has(&["INDEX"]) => return self.create_index(),
                "DROP" if concurrently => return self.drop_index(),
                "CREATE" => has(&["IF", "NOT", "EXISTS"]) || has(&["OR", "REPLACE"]),
                "DROP" => has(&["IF", "EXISTS"]),
                "ALTER" => {
                    one_action
                        && (has(&["ADD", "VALUE", "IF", "NOT", "EXISTS"])
                            || has(&["ADD", "COLUMN", "IF", "NOT", "EXISTS"])
                            || has(&["DROP", "COLUMN", "IF", "EXISTS"])
                            || has(&["VALIDATE", "CONSTRAINT"])
                            || has(&["ALTER", "SYSTEM"]))
                }
                word => AGAIN.contains(&word),
            };
            if again { Resume::Again } else { Resume::Unknown }
        }

        /// `CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] name ON [ONLY] table ..`
        fn create_index(&self) -> Resume {
            let parts = || {
                let name = self.after(&["CONCURRENTLY"])?;
                let name = self.position_from(name, &["IF", "NOT", "EXISTS"]).map_or(name, |_| name + 3);
                let on = self.position(&["ON"])?;
                let table = self.position_from(on + 1, &["ONLY"]).map_or(on + 1, |_| on + 2);
                let end =
                    [&["("] as &[&str], &["USING"]].iter().filter_map(|end| self.position(end)).min()?;
                Some((self.text(name, on)?, self.text(table, end)?))
            };
            match parts() {
                Some((index, table)) => Resume::CreateIndex { index, table },
                // Without a name of its own: nothing tells which one it would be.
                None => Resume::Unknown,
            }
        }

        /// `DROP INDEX CONCURRENTLY [IF EXISTS] name [CASCADE | RESTRICT]`
        fn drop_index(&self) -> Resume {
            let parts = || {
                let name = self.after(&["INDEX", "CONCURRENTLY"])?;
                let name = self.position_from(name, &["IF", "EXISTS"]).map_or(name, |_| name + 2);
                let end = ["CASCADE", "RESTRICT"].iter().filter_map(|end| self.position(&[end])).min();
                self.text(name, end.unwrap_or(self.words.len()))
            };
            parts().map_or(Resume::Unknown, |index| Resume::DropIndex { index })
        }

        /// Where these words stand in a row.
        fn position(&self, words: &[&str]) -> Option<usize> {
            (0..self.words.len()).find(|at| self.position_from(*at, words).is_some())
        }

        fn position_from(&self, at: usize, words: &[&str]) -> Option<usize> {
            let found = self.words.get(at..at + words.len())?;
            found.iter().zip(words).all(|((found, _), word)| found == word).then_some(at)
        }

        fn after(&self, words: &[&str]) -> Option<usize> {
            self.position(words).map(|at| at + words.len())
        }

        /// The text of some words as it is written; `None` where there is none.
        fn text(&self, from: usize, to: usize) -> Option<Text> {
            let words = self.words.get(from..to)?;
            let span = words.first()?.1.start..words.last()?.1.end;
            Some(self.sql[span].to_owned().into())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::lex;

        fn of(sql: &str) -> Outside {
            let tokens = lex::tokens(sql);
            let statements = lex::statements(sql, &tokens);
            assert_eq!(statements.len(), 1, "{sql}");
            read(sql, statements[0].span.clone(), &tokens)
        }

        #[test]
        fn an_index_is_known_by_its_name_and_its_table() {
            let cases = [
                ("CREATE INDEX CONCURRENTLY a_idx ON a (id)", "a_idx", "a"),
                (
                    "create unique index /* x */ concurrently if not exists \"A Idx\" on only s.\"A\" using gin (lower(x)) where (y > 1)",
                    "\"A Idx\"",
                    "s.\"A\"",
                ),
                ("CREATE INDEX CONCURRENTLY a_${shard} ON a_${shard}(id)", "a_${shard}", "a_${shard}"),
            ];
            for (sql, index, table) in cases {
                let resume = Resume::CreateIndex { index: index.into(), table: table.into() };
                assert_eq!(of(sql), Outside { resume, concurrently: true, is_atomic: false }, "{sql}");
            }
            let dropped = |sql: &str| match of(sql).resume {
                Resume::DropIndex { index } => index.into_owned(),
                other => panic!("{sql}: {other:?}"),
            };
            assert_eq!(dropped("DROP INDEX CONCURRENTLY s.a_idx"), "s.a_idx");
            assert_eq!(dropped("drop index concurrently if exists \"A\" cascade"), "\"A\"");
        }

        #[test]
        fn a_setting_lasts_for_its_session_and_a_block_may_commit() {
            for sql in ["SET search_path = tenant", "RESET search_path"] {
                assert_eq!(of(sql).resume, Resume::Setting, "{sql}");
            }
            for sql in ["DO $$ BEGIN COMMIT; END $$", "CALL backfill()"] {
                assert_eq!(
                    of(sql),
                    Outside { resume: Resume::Unknown, concurrently: false, is_atomic: false }
                );
            }
        }

        #[test]
        fn what_does_no_harm_twice() {
            let again = [
                "VACUUM (ANALYZE) a",
                "REINDEX INDEX CONCURRENTLY a_idx",
                "CREATE TABLE IF NOT EXISTS a (id int)",
                "CREATE OR REPLACE VIEW v AS SELECT 1",
                "DROP TABLE IF EXISTS a, b",
                "ALTER TYPE t ADD VALUE IF NOT EXISTS 'x' BEFORE 'y'",
                "ALTER TABLE a VALIDATE CONSTRAINT a_fk",
                "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int DEFAULT (1, 2)",
                "ALTER SYSTEM SET work_mem = '64MB'",
            ];
            for sql in again {
                assert_eq!(of(sql).resume, Resume::Again, "{sql}");
            }
            let unknown = [
                "INSERT INTO a VALUES (1)",
                "CREATE TABLE a (b text DEFAULT 'IF NOT EXISTS')",
                "CREATE TABLE a AS SELECT (SELECT 1) AS \"IF NOT EXISTS\"",
                "ALTER TABLE IF EXISTS a ADD COLUMN b int",
                "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int, ADD COLUMN c int",
                "ALTER TYPE t ADD VALUE 'IF NOT EXISTS'",
                "SELECT do_something()",
                "DROP INDEX a_idx",
            ];
            for sql in unknown {
                assert_eq!(
                    of(sql),
                    Outside { resume: Resume::Unknown, concurrently: false, is_atomic: true },
                    "{sql}"
                );
            }
            for sql in
                ["ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "CREATE INDEX CONCURRENTLY ON a (id)"]
            {
                assert_eq!(
                    of(sql),
                    Outside { resume: Resume::Unknown, concurrently: true, is_atomic: false },
                    "{sql}"
                );
            }
        }
    }
}
