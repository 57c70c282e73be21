//! The locks that statements take on tables: "Explicit Locking" and the pages of the commands in PostgreSQL's
//! manual, as one table. Where its pages are silent, what servers do was looked at (15).

use std::collections::HashSet;

use squawk_parser::SyntaxKind::{self, *};

use LockLevel::{AccessExclusive, Exclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};

use super::kinds::{self, Holds};
use super::name::Name;
use super::tree::{Id, Tree};
use super::{Action, Class, Fact, Reading};
use crate::table_lock::{LockLevel, Locks, TableLock};
use crate::{Database, EngineKind};

/// What one statement locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Tables, views and indexes, with their locks. What is merely read is not among them.
    tables: Vec<(Name, LockLevel)>,
    /// Whether there may be more.
    has_more: bool,
}

/// The locks of a file on what was there before it. `None` where no database of PostgreSQL gets it.
pub(crate) fn of_file(readings: &[Reading], databases: &[Database]) -> Option<Locks> {
    let is_postgres = |index: &usize| {
        let database = databases.get(*index);
        database.is_some_and(|database| database.declared_engine() != Some(EngineKind::Sqlite))
    };
    let of_postgres = readings.iter().filter(|reading| reading.databases.iter().any(is_postgres));
    let mut each = of_postgres.map(of_reading);
    let mut first = each.next()?;
    // Texts that differ by a database's variables may name other tables on each.
    first.is_whole &= each.all(|other| other == first);
    Some(first)
}

fn of_reading(reading: &Reading) -> Locks {
    let mut made: HashSet<&Name> = HashSet::new();
    let mut tables: Vec<(String, LockLevel)> = Vec::new();
    let mut is_whole = reading.faults.is_empty();
    for statement in &reading.statements {
        made.extend(statement.facts.iter().filter_map(made_by));
        let Some(Taken { tables: taken, has_more }) = &statement.locks else {
            is_whole = false;
            continue;
        };
        is_whole &= !has_more;
        for (name, level) in taken.iter().filter(|(name, _)| !made.contains(name)) {
            let name = name.to_string();
            match tables.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = *level.max(known),
                None => tables.push((name, *level)),
            }
        }
    }
    tables.sort_by_key(|(_, level)| std::cmp::Reverse(*level));
    Locks::new(tables.iter().map(|(table, level)| TableLock { table, level: *level }), is_whole)
}

/// What is surely new: nobody else uses it.
fn made_by(fact: &Fact) -> Option<&Name> {
    match fact {
        Fact::Named(named) => match named.action {
            Action::Create { replaces: false, .. }
                if named.class == Class::Relation && !named.conditional =>
            {
                Some(&named.name)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The locks of a statement, whose facts have the places of its tree.
pub(super) fn of_statement(tree: &Tree<'_>, id: Id, facts: &[Fact]) -> Taken {
    let statement = Statement { tree, id, facts };
    let mut taken = Taken::default();
    for node in tree.subtree(id).filter(|node| !tree.is_token(*node)) {
        // Also within `WITH`, and in the statement that EXPLAIN runs.
        if matches!(tree.kind(node), INSERT | UPDATE | DELETE | MERGE) {
            taken.lock(statement.own(node).take(1), RowExclusive);
        }
        if matches!(tree.kind(node), REFERENCES_CONSTRAINT | FOREIGN_KEY_CONSTRAINT) {
            taken.lock(statement.below(node).take(1), ShareRowExclusive);
        }
    }
    statement.take(&mut taken);
    taken
}

impl Taken {
    fn lock(&mut self, names: impl Iterator<Item = Name>, level: LockLevel) {
        self.tables.extend(names.map(|name| (name, level)));
    }
}

struct Statement<'a> {
    tree: &'a Tree<'a>,
    id: Id,
    facts: &'a [Fact],
}

impl Statement<'_> {
    fn take(&self, taken: &mut Taken) {
        let (tree, id) = (self.tree, self.id);
        let first = || self.below(id).take(1);
        match tree.kind(id) {
            ALTER_TABLE | ALTER_FOREIGN_TABLE => self.alter_table(taken),
            DROP_TABLE | DROP_FOREIGN_TABLE => {
                taken.lock(self.own(id), AccessExclusive);
                // The other ends of its foreign keys.
                taken.has_more = true;
            }
            DROP_VIEW | DROP_MATERIALIZED_VIEW => taken.lock(self.own(id), AccessExclusive),
            ALTER_VIEW | ALTER_MATERIALIZED_VIEW => taken.lock(first(), AccessExclusive),
            CREATE_VIEW if tree.has(id, OR_REPLACE) => taken.lock(self.made(), AccessExclusive),
            REFRESH if self.is_concurrent() => taken.lock(first(), Exclusive),
            REFRESH => taken.lock(first(), AccessExclusive),
            CREATE_INDEX if self.is_concurrent() => taken.lock(first(), ShareUpdateExclusive),
            CREATE_INDEX => taken.lock(first(), Share),
            // Which table an index is of, and which indexes a table has, is not said.
            DROP_INDEX if self.is_concurrent() => taken.lock_and_more(self.own(id), ShareUpdateExclusive),
            DROP_INDEX => taken.lock_and_more(self.own(id), AccessExclusive),
            REINDEX if self.is_concurrent() => taken.lock_and_more(first(), ShareUpdateExclusive),
            REINDEX if tree.has(id, REINDEX_TARGET_INDEX) => taken.lock_and_more(first(), AccessExclusive),
            REINDEX => taken.lock_and_more(first(), Share),
            ALTER_INDEX
                if [INDEX_RENAME_TO, SET_OPTIONS, RESET_OPTIONS].iter().any(|kind| tree.has(id, *kind)) =>
            {
                taken.lock(first(), ShareUpdateExclusive);
            }
            ALTER_INDEX => taken.lock_and_more(first(), AccessExclusive),
            CREATE_TRIGGER => taken.lock(first(), ShareRowExclusive),
            DROP_TRIGGER | ALTER_TRIGGER | CREATE_RULE | ALTER_RULE | DROP_RULE | CREATE_POLICY
            | ALTER_POLICY | DROP_POLICY => taken.lock(first(), AccessExclusive),
            CREATE_TABLE | CREATE_FOREIGN_TABLE => {
                for clause in tree.children(id) {
                    match tree.kind(clause) {
                        INHERITS => taken.lock(self.below(clause), ShareUpdateExclusive),
                        // That of the rows which no other partition takes is locked as well, where there is one.
                        PARTITION_OF => taken.lock_and_more(self.below(clause).take(1), AccessExclusive),
                        _ => {}
                    }
                }
            }
            CREATE_STATISTICS | CREATE_PUBLICATION | ALTER_PUBLICATION => {
                taken.lock(self.below(id), ShareUpdateExclusive);
            }
            COMMENT_ON | SECURITY_LABEL if self.describes_table() => {
                taken.lock(first(), ShareUpdateExclusive);
            }
            COMMENT_ON | SECURITY_LABEL => {}
            TRUNCATE => taken.lock(self.below(id), AccessExclusive),
            LOCK => taken.lock(self.below(id), self.lock_mode()),
            COPY if tree.has(id, COPY_FROM) => taken.lock(first(), RowExclusive),
            ANALYZE | VACUUM | CLUSTER => {
                let is_full = tree.kind(id) == CLUSTER || self.says("full");
                taken.lock(self.below(id), if is_full { AccessExclusive } else { ShareUpdateExclusive });
                taken.has_more |= self.below(id).next().is_none();
            }
            kind => taken.has_more |= !locks_no_more(kind),
        }
        // What depends on it goes too; and a function may do anything.
        taken.has_more |= tree.has(id, CASCADE) || (tree.kind(id) == SELECT && self.calls());
    }

    fn alter_table(&self, taken: &mut Taken) {
        let (tree, id) = (self.tree, self.id);
        let Some(table) = self.below(id).next() else {
            taken.has_more = true;
            return;
        };
        for action in tree.children(id).filter(|node| !tree.is_token(*node)) {
            let Some(level) = of_action(tree, action) else { continue };
            taken.lock([table.clone()].into_iter(), level);
            match tree.kind(action) {
                // So is the partition of the rows which no other takes, where there is one.
                ATTACH_PARTITION | DETACH_PARTITION => {
                    taken.lock_and_more(self.below(action).take(1), AccessExclusive);
                }
                MERGE_PARTITIONS | SPLIT_PARTITION => taken.lock(self.below(action), AccessExclusive),
                INHERIT_TABLE => taken.lock(self.below(action), ShareUpdateExclusive),
                // The other end of a foreign key goes with it.
                DROP_CONSTRAINT | DROP_COLUMN => taken.has_more = true,
                _ => {}
            }
        }
    }

    /// The tables, views and indexes that are named below a node.
    fn below(&self, id: Id) -> impl Iterator<Item = Name> {
        self.tree.subtree(id).filter_map(|node| self.reference(node))
    }

    /// Those that a node is about, and not a clause of it.
    fn own(&self, id: Id) -> impl Iterator<Item = Name> {
        let tree = self.tree;
        let is_own = move |node: &Id| {
            let mut parent = tree.parent(*node);
            while kinds::carries(tree.kind(parent)) {
                parent = tree.parent(parent);
            }
            parent == id
        };
        tree.subtree(id).filter(is_own).filter_map(|node| self.reference(node))
    }

    /// A column is named with its table.
    fn reference(&self, node: Id) -> Option<Name> {
        let kind = self.tree.kind(node);
        let is_relation = kinds::named(kind) == Some((Class::Relation, Holds::Reference));
        if is_relation || kind == QUALIFIED_COLUMN_NAME_REF { self.named_at(node) } else { None }
    }

    /// What the facts have found at a node.
    fn named_at(&self, node: Id) -> Option<Name> {
        let span = self.tree.span(node);
        self.facts.iter().find_map(|fact| match fact {
            Fact::Named(named) if named.class == Class::Relation && named.span == span => {
                Some(named.name.clone())
            }
            _ => None,
        })
    }

    /// What it gives its name.
    fn made(&self) -> impl Iterator<Item = Name> {
        let is_made = |fact: &Fact| match fact {
            Fact::Named(named) if matches!(named.action, Action::Create { .. }) => Some(named.name.clone()),
            _ => None,
        };
        self.facts.iter().filter_map(is_made).take(1)
    }

    fn is_concurrent(&self) -> bool {
        self.says("concurrently")
    }

    /// Whether a word stands in it.
    fn says(&self, word: &str) -> bool {
        let tree = self.tree;
        tree.subtree(self.id).any(|id| tree.is_token(id) && tree.text(id).eq_ignore_ascii_case(word))
    }

    /// `COMMENT ON TABLE`, `COLUMN` and the like; that on another object holds up no table.
    fn describes_table(&self) -> bool {
        let tree = self.tree;
        let is_table = |node: Id| {
            matches!(
                tree.kind(node),
                OBJECT_TABLE
                    | OBJECT_VIEW
                    | OBJECT_MATERIALIZED_VIEW
                    | OBJECT_FOREIGN_TABLE
                    | OBJECT_INDEX
                    | OBJECT_COLUMN
            )
        };
        tree.subtree(self.id).any(is_table)
    }

    fn lock_mode(&self) -> LockLevel {
        let clause = self.tree.child(self.id, LOCK_MODE_CLAUSE);
        let text = clause.map(|clause| self.tree.text(clause).to_ascii_uppercase()).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_meant = |level: &LockLevel| words.join(" ") == format!("IN {level} MODE");
        LockLevel::ALL.into_iter().find(is_meant).unwrap_or(AccessExclusive)
    }

    /// Whether it calls a function that may do anything.
    fn calls(&self) -> bool {
        const HARMLESS: [&str; 4] = ["setval", "nextval", "currval", "set_config"];
        self.facts.iter().any(|fact| match fact {
            Fact::Named(named) => {
                named.class == Class::Routine
                    && named.name.schema.as_deref() != Some("pg_catalog")
                    && !HARMLESS.contains(&named.name.name.as_str())
            }
            _ => false,
        })
    }
}

impl Taken {
    /// What else is locked with it is not in the text.
    fn lock_and_more(&mut self, names: impl Iterator<Item = Name>, level: LockLevel) {
        self.lock(names, level);
        self.has_more = true;
    }
}

/// The lock of one action of `ALTER TABLE` on its table.
fn of_action(tree: &Tree<'_>, action: Id) -> Option<LockLevel> {
    let finds = |kind| tree.find(action, kind).is_some();
    Some(match tree.kind(action) {
        IF_EXISTS | TABLE_RELATION_NAME | RELATION_NAME | TABLE_NAME_REF | RELATION_NAME_REF => return None,
        VALIDATE_CONSTRAINT | ATTACH_PARTITION | CLUSTER_ON | SET_WITHOUT_CLUSTER => ShareUpdateExclusive,
        SET_OPTIONS | RESET_OPTIONS if !tree.text(action).contains("user_catalog_table") => {
            ShareUpdateExclusive
        }
        ALTER_COLUMN if finds(SET_STATISTICS) || finds(SET_OPTIONS) || finds(RESET_OPTIONS) => {
            ShareUpdateExclusive
        }
        DETACH_PARTITION if finds(DETACH_CONCURRENTLY) => ShareUpdateExclusive,
        ENABLE_TRIGGER | ENABLE_REPLICA_TRIGGER | ENABLE_ALWAYS_TRIGGER | DISABLE_TRIGGER => {
            ShareRowExclusive
        }
        ADD_CONSTRAINT if finds(FOREIGN_KEY_CONSTRAINT) => ShareRowExclusive,
        _ => AccessExclusive,
    })
}

/// Statements that lock no table more than by reading it, or whose locks are those of the rows they write and the
/// keys they make. Of any other nobody knows.
fn locks_no_more(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SELECT
            | SELECT_INTO
            | VALUES
            | COMPOUND_SELECT
            | PAREN_SELECT
            | TABLE
            | COPY
            | EXPLAIN
            | INSERT
            | UPDATE
            | DELETE
            | MERGE
            | CREATE_TABLE_AS
            | CREATE_VIEW
            | CREATE_MATERIALIZED_VIEW
            | CREATE_SEQUENCE
            | ALTER_SEQUENCE
            | DROP_SEQUENCE
            | CREATE_TYPE
            | CREATE_DOMAIN
            | DROP_TYPE
            | DROP_DOMAIN
            | CREATE_FUNCTION
            | CREATE_PROCEDURE
            | CREATE_AGGREGATE
            | ALTER_FUNCTION
            | ALTER_PROCEDURE
            | ALTER_ROUTINE
            | ALTER_AGGREGATE
            | DROP_FUNCTION
            | DROP_PROCEDURE
            | DROP_ROUTINE
            | DROP_AGGREGATE
            | CREATE_SCHEMA
            | ALTER_SCHEMA
            | DROP_SCHEMA
            | CREATE_COLLATION
            | CREATE_CAST
            | CREATE_OPERATOR
            | CREATE_ROLE
            | ALTER_ROLE
            | DROP_ROLE
            | GRANT
            | REVOKE
            | ALTER_DEFAULT_PRIVILEGES
            | CREATE_TEXT_SEARCH_CONFIGURATION
            | CREATE_TEXT_SEARCH_DICTIONARY
            | SET_CONFIG
            | SET_ROLE
            | SET_CONSTRAINTS
            | RESET
            | SHOW
            | LISTEN
            | NOTIFY
    )
}

#[cfg(test)]
mod tests {
    use crate::compile::compile;
    use crate::project::Sources;

    /// The locks of a file behind one that makes what it uses.
    fn locks(sql: &str) -> String {
        let first = "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nCREATE VIEW v AS SELECT 1;\n\
                     CREATE INDEX i ON a (id);\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';\n";
        let file = |name: &str, sql: &str| {
            (name.to_owned(), format!("-- #[route(everywhere)]\n{sql}\n").into_bytes())
        };
        let set = compile(&Sources {
            folder: "migrations".into(),
            files: vec![file("V1__a.sql", first), file("V2__b.sql", sql)],
            databases: "databases.toml".into(),
            databases_bytes: b"[databases.default]\nurl = \"postgres://x\"\n".to_vec(),
            lock: None,
        });
        let set = set.unwrap_or_else(|faults| panic!("{sql}: {faults:?}"));
        assert_eq!(set.migrations[0].locks.as_ref().unwrap().to_string(), "", "all of it is new");
        set.migrations[1].locks.as_ref().unwrap().to_string()
    }

    #[test]
    fn what_was_made_before_is_told_and_what_is_new_is_not() {
        for (sql, expected) in [
            ("SELECT 1;", ""),
            ("CREATE TABLE c (id int);\nCREATE INDEX j ON c (id);\nALTER TABLE c ADD x int;", ""),
            ("ALTER TABLE a ADD x int;", "ACCESS EXCLUSIVE on a"),
            (
                "CREATE TABLE c (x int);\nINSERT INTO c SELECT id FROM a;\nINSERT INTO b VALUES (1);",
                "ROW EXCLUSIVE on b",
            ),
            (
                "CREATE INDEX j ON a (id);\nALTER TABLE a ADD x int;\nUPDATE b SET id = 1;",
                "ACCESS EXCLUSIVE on a; ROW EXCLUSIVE on b",
            ),
            ("ALTER TABLE a ADD x int;\nALTER TABLE public.b ADD x int;", "ACCESS EXCLUSIVE on a, public.b"),
            (
                "WITH x AS (DELETE FROM a RETURNING id) INSERT INTO b SELECT * FROM x;",
                "ROW EXCLUSIVE on b, a",
            ),
            ("CREATE TABLE IF NOT EXISTS b (id int);\nALTER TABLE b ADD x int;", "ACCESS EXCLUSIVE on b"),
            ("LOCK TABLE a, b IN SHARE  ROW\nexclusive MODE;", "SHARE ROW EXCLUSIVE on a, b"),
            ("LOCK a;", "ACCESS EXCLUSIVE on a"),
        ] {
            assert_eq!(locks(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_the_text_does_not_say_is_unknown() {
        for (sql, expected) in [
            ("DO $$ BEGIN ALTER TABLE a ADD x int; END $$;", "unknown locks"),
            ("SELECT f();", "unknown locks"),
            ("SELECT setval('x', 1);", ""),
            ("CALL p();", "unknown locks"),
            ("DROP INDEX i;", "ACCESS EXCLUSIVE on i; perhaps others"),
            ("DROP TABLE a;", "ACCESS EXCLUSIVE on a; perhaps others"),
            ("ALTER TABLE a DROP CONSTRAINT x;", "ACCESS EXCLUSIVE on a; perhaps others"),
            ("DROP VIEW v CASCADE;", "ACCESS EXCLUSIVE on v; perhaps others"),
            ("ALTER EXTENSION hstore UPDATE;", "unknown locks"),
        ] {
            assert_eq!(locks(sql), expected, "{sql}");
        }
    }
}
