//! Statements that PostgreSQL refuses inside a transaction, versions 13 to 18.

use squawk_parser::SyntaxKind::*;

use super::tree::{Id, Tree};

/// How a statement is called that runs outside a transaction only.
pub(super) fn outside(tree: &Tree<'_>, id: Id) -> Option<&'static str> {
    let has = |kind| tree.has(id, kind);
    match tree.kind(id) {
        CREATE_INDEX if has(CONCURRENTLY_KW) => Some("CREATE INDEX CONCURRENTLY"),
        DROP_INDEX if has(CONCURRENTLY_KW) => Some("DROP INDEX CONCURRENTLY"),
        REINDEX if is_concurrent(tree, id) => Some("REINDEX CONCURRENTLY"),
        REINDEX if has(REINDEX_TARGET_SCHEMA) => Some("REINDEX SCHEMA"),
        REINDEX if has(REINDEX_TARGET_DATABASE) => Some("REINDEX DATABASE"),
        REINDEX if has(REINDEX_TARGET_SYSTEM) => Some("REINDEX SYSTEM"),
        VACUUM => Some("VACUUM"),
        CLUSTER if tree.find(id, TABLE_NAME_REF).is_none() && tree.find(id, RELATION_NAME_REF).is_none() => {
            Some("CLUSTER without a table")
        }
        ALTER_TABLE if tree.find(id, DETACH_CONCURRENTLY).is_some() => {
            Some("ALTER TABLE .. DETACH PARTITION .. CONCURRENTLY")
        }
        CREATE_DATABASE => Some("CREATE DATABASE"),
        DROP_DATABASE => Some("DROP DATABASE"),
        CREATE_TABLESPACE => Some("CREATE TABLESPACE"),
        DROP_TABLESPACE => Some("DROP TABLESPACE"),
        ALTER_DATABASE if tree.find(id, SET_TABLESPACE).is_some() => Some("ALTER DATABASE .. SET TABLESPACE"),
        ALTER_SYSTEM => Some("ALTER SYSTEM"),
        CREATE_SUBSCRIPTION if makes_slot(tree, id) => Some("CREATE SUBSCRIPTION"),
        ALTER_SUBSCRIPTION if tree.find(id, REFRESH_PUBLICATION).is_some() => {
            Some("ALTER SUBSCRIPTION .. REFRESH PUBLICATION")
        }
        DISCARD if tree.find(id, DISCARD_ALL).is_some() || has(ALL_KW) => Some("DISCARD ALL"),
        COMMIT_PREPARED => Some("COMMIT PREPARED"),
        ROLLBACK_PREPARED => Some("ROLLBACK PREPARED"),
        _ => None,
    }
}

/// `REINDEX TABLE CONCURRENTLY t`, `REINDEX (CONCURRENTLY) TABLE t`; an option may be switched off.
fn is_concurrent(tree: &Tree<'_>, id: Id) -> bool {
    let Some(word) = tree.find(id, CONCURRENTLY_KW) else { return false };
    let option = tree.parent(word);
    let is_off = |token| matches!(tree.text(token).to_ascii_lowercase().as_str(), "false" | "off" | "0");
    !(tree.kind(option) == REINDEX_OPTION_CONCURRENTLY && tree.subtree(option).any(is_off))
}

/// Whether a subscription makes its slot at once, which it does unless told not to.
fn makes_slot(tree: &Tree<'_>, id: Id) -> bool {
    let is_off = |option: Id| {
        let text = tree.text(option).to_ascii_lowercase();
        let Some((name, value)) = text.split_once('=') else { return false };
        let off = ["false", "off", "0", "'false'", "'off'"].contains(&value.trim());
        off && ["connect", "create_slot"].contains(&name.trim())
    };
    !tree.subtree(id).any(|below| tree.kind(below) == ATTRIBUTE_OPTION && is_off(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<&'static str> {
        let tree = Tree::of_file(sql);
        assert_eq!(tree.errors, [], "{sql}");
        tree.statements().filter_map(|id| outside(&tree, id)).collect()
    }

    #[test]
    fn what_runs_outside_a_transaction_only() {
        let all = [
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX CONCURRENTLY"),
            ("DROP INDEX CONCURRENTLY IF EXISTS i", "DROP INDEX CONCURRENTLY"),
            ("REINDEX TABLE CONCURRENTLY t", "REINDEX CONCURRENTLY"),
            ("REINDEX (VERBOSE, CONCURRENTLY) INDEX i", "REINDEX CONCURRENTLY"),
            ("REINDEX SCHEMA s", "REINDEX SCHEMA"),
            ("REINDEX DATABASE d", "REINDEX DATABASE"),
            ("REINDEX SYSTEM d", "REINDEX SYSTEM"),
            ("VACUUM", "VACUUM"),
            ("VACUUM (ANALYZE) t", "VACUUM"),
            ("CLUSTER", "CLUSTER without a table"),
            (
                "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
                "ALTER TABLE .. DETACH PARTITION .. CONCURRENTLY",
            ),
            ("CREATE DATABASE d", "CREATE DATABASE"),
            ("DROP DATABASE d", "DROP DATABASE"),
            ("CREATE TABLESPACE s LOCATION '/x'", "CREATE TABLESPACE"),
            ("DROP TABLESPACE s", "DROP TABLESPACE"),
            ("ALTER DATABASE d SET TABLESPACE s", "ALTER DATABASE .. SET TABLESPACE"),
            ("ALTER SYSTEM SET work_mem = '1MB'", "ALTER SYSTEM"),
            ("CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p", "CREATE SUBSCRIPTION"),
            ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION .. REFRESH PUBLICATION"),
            ("DISCARD ALL", "DISCARD ALL"),
            ("COMMIT PREPARED 'x'", "COMMIT PREPARED"),
            ("ROLLBACK PREPARED 'x'", "ROLLBACK PREPARED"),
        ];
        for (sql, name) in all {
            assert_eq!(names(sql), [name], "{sql}");
        }
    }

    #[test]
    fn what_a_transaction_may_have() {
        for sql in [
            "CREATE INDEX i ON t (a)",
            "CREATE INDEX concurrently_built ON t (a)",
            "REINDEX TABLE t",
            "REINDEX (CONCURRENTLY false) TABLE t",
            "CLUSTER t USING i",
            "ALTER TABLE t DETACH PARTITION p FINALIZE",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "ALTER TYPE t ADD VALUE 'x'",
            "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (connect = false)",
            "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (create_slot = false, slot_name = NONE)",
            "ALTER DATABASE d SET work_mem = '1MB'",
            "DISCARD TEMP",
            "ANALYZE t",
        ] {
            assert_eq!(names(sql), [""; 0], "{sql}");
        }
    }
}
