//! The safety lints: statements that lock out the application while they run, or that break the code which is
//! running while they are applied.
//!
//! The list is here whether or not the feature `lint` is on, so that `allow(..)` and `[lints]` mean the same to every build.
//! The feature adds what finds them.

mod levels;

use std::fmt;
use std::ops::Range;

pub use levels::{Level, Levels};

/// A safety lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// `CREATE INDEX` without `CONCURRENTLY`.
    IndexNotConcurrent,
    /// `DROP INDEX` without `CONCURRENTLY`.
    IndexDropNotConcurrent,
    /// `REINDEX` without `CONCURRENTLY`.
    ReindexNotConcurrent,
    /// `DETACH PARTITION` without `CONCURRENTLY`.
    DetachNotConcurrent,
    /// A foreign key that is checked as it is added.
    ForeignKeyWithoutNotValid,
    /// A check that is checked as it is added.
    CheckWithoutNotValid,
    /// A constraint that is checked in the transaction that adds it.
    ValidateInOneTransaction,
    /// An exclusion constraint on a table that is in use.
    ExclusionConstraint,
    /// A unique constraint that builds its index.
    UniqueWithoutIndex,
    /// A primary key that builds its index.
    PrimaryKeyWithoutIndex,
    /// A new column whose default has to be worked out for every row.
    VolatileDefault,
    /// A new column that the server fills in for every row.
    GeneratedColumn,
    /// A new column that is `NOT NULL` and has no default.
    RequiredColumn,
    /// `SET NOT NULL` without a check that proves it.
    SetNotNull,
    /// Another type for a column.
    ColumnType,
    /// A check on a domain.
    DomainConstraint,
    /// `VACUUM FULL` and `CLUSTER`.
    TableRewrite,
    /// `TRUNCATE .. CASCADE`.
    TruncateCascade,
    /// Another name for a table or view.
    RenameTable,
    /// Another name for a column.
    RenameColumn,
    /// Another name for a value of an enum.
    RenameEnumValue,
    /// Another schema for a table or view.
    MoveTable,
    /// A table that goes.
    DropTable,
    /// A view that goes.
    DropView,
    /// A column that goes.
    DropColumn,
    /// A schema that goes.
    DropSchema,
}

/// What is said of a lint. `{}` in a message is the object at hand.
struct Words {
    name: &'static str,
    /// What squawk calls it, for those who know it from there.
    squawk: &'static str,
    message: &'static str,
    label: &'static str,
    help: &'static str,
}

impl Lint {
    /// All of them: first what locks, then what breaks.
    pub const ALL: [Self; 26] = [
        Self::IndexNotConcurrent,
        Self::IndexDropNotConcurrent,
        Self::ReindexNotConcurrent,
        Self::DetachNotConcurrent,
        Self::ForeignKeyWithoutNotValid,
        Self::CheckWithoutNotValid,
        Self::ValidateInOneTransaction,
        Self::ExclusionConstraint,
        Self::UniqueWithoutIndex,
        Self::PrimaryKeyWithoutIndex,
        Self::VolatileDefault,
        Self::GeneratedColumn,
        Self::RequiredColumn,
        Self::SetNotNull,
        Self::ColumnType,
        Self::DomainConstraint,
        Self::TableRewrite,
        Self::TruncateCascade,
        Self::RenameTable,
        Self::RenameColumn,
        Self::RenameEnumValue,
        Self::MoveTable,
        Self::DropTable,
        Self::DropView,
        Self::DropColumn,
        Self::DropSchema,
    ];

    /// The name, as in `allow(..)` and `[lints]`.
    pub fn name(self) -> &'static str {
        self.words().name
    }

    /// The lint of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lint| lint.name() == name)
    }

    /// The rule of squawk that finds it.
    pub fn squawk_rule(self) -> &'static str {
        self.words().squawk
    }

    /// What happens, in one line; `subject` is what it happens to.
    pub fn message(self, subject: Option<&str>) -> String {
        let subject = subject.map_or_else(|| "the table".to_owned(), |name| format!("`{name}`"));
        self.words().message.replace("{}", &subject)
    }

    /// A word on the place.
    pub fn label(self) -> &'static str {
        self.words().label
    }

    /// What to write instead.
    pub fn help(self) -> &'static str {
        self.words().help
    }

    fn words(self) -> &'static Words {
        match self {
            Self::IndexNotConcurrent => &Words {
                name: "index-not-concurrent",
                squawk: "require-concurrent-index-creation",
                message: "building this index locks out writes to {} until it is done",
                label: "holds a SHARE lock",
                help: "write `CREATE INDEX CONCURRENTLY`, in a migration of its own with `-- #[no_transaction]`",
            },
            Self::IndexDropNotConcurrent => &Words {
                name: "index-drop-not-concurrent",
                squawk: "require-concurrent-index-deletion",
                message: "dropping {} locks out reads and writes of its table, behind everybody who is using it",
                label: "takes an ACCESS EXCLUSIVE lock",
                help: "write `DROP INDEX CONCURRENTLY`, in a migration of its own with `-- #[no_transaction]`",
            },
            Self::ReindexNotConcurrent => &Words {
                name: "reindex-not-concurrent",
                squawk: "require-concurrent-reindex",
                message: "rebuilding indexes locks out writes to their table, and reads that would use them, until it is done",
                label: "holds an ACCESS EXCLUSIVE lock on each, SHARE on the table",
                help: "write `REINDEX .. CONCURRENTLY`, in a migration of its own with `-- #[no_transaction]`",
            },
            Self::DetachNotConcurrent => &Words {
                name: "detach-not-concurrent",
                squawk: "require-concurrent-partition-detach",
                message: "detaching a partition locks out reads and writes of {}, behind everybody who is using it",
                label: "takes an ACCESS EXCLUSIVE lock",
                help: "write `DETACH PARTITION .. CONCURRENTLY`, in a migration of its own with `-- #[no_transaction]`",
            },
            Self::ForeignKeyWithoutNotValid => &Words {
                name: "foreign-key-without-not-valid",
                squawk: "adding-foreign-key-constraint",
                message: "adding this foreign key locks out writes to both tables while every row of {} is checked",
                label: "holds a SHARE ROW EXCLUSIVE lock on both",
                help: "write `ADD CONSTRAINT .. NOT VALID` here, and `VALIDATE CONSTRAINT ..` in a later migration",
            },
            Self::CheckWithoutNotValid => &Words {
                name: "check-without-not-valid",
                squawk: "constraint-missing-not-valid",
                message: "adding this check locks out reads and writes of {} while every row is checked",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "write `ADD CONSTRAINT .. NOT VALID` here, and `VALIDATE CONSTRAINT ..` in a later migration",
            },
            Self::ValidateInOneTransaction => &Words {
                name: "validate-in-one-transaction",
                squawk: "constraint-missing-not-valid",
                message: "every row of {} is checked while the lock from adding the constraint is still held",
                label: "in the transaction that added it",
                help: "move `VALIDATE CONSTRAINT` into a later migration: each has a transaction of its own",
            },
            Self::ExclusionConstraint => &Words {
                name: "exclusion-constraint",
                squawk: "constraint-missing-not-valid",
                message: "adding this constraint locks out reads and writes of {} while its index is built",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "the server has no other way: add it where the table is small, or nobody uses it",
            },
            Self::UniqueWithoutIndex => &Words {
                name: "unique-without-index",
                squawk: "disallowed-unique-constraint",
                message: "adding this constraint locks out reads and writes of {} while its index is built",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "build it first, with `CREATE UNIQUE INDEX CONCURRENTLY` in a migration with `-- #[no_transaction]`; \
                       then write `ADD CONSTRAINT .. UNIQUE USING INDEX ..`",
            },
            Self::PrimaryKeyWithoutIndex => &Words {
                name: "primary-key-without-index",
                squawk: "adding-serial-primary-key-field",
                message: "adding this primary key locks out reads and writes of {} while its index is built",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "build it first, with `CREATE UNIQUE INDEX CONCURRENTLY` in a migration with `-- #[no_transaction]`; \
                       then write `ADD CONSTRAINT .. PRIMARY KEY USING INDEX ..`",
            },
            Self::VolatileDefault => &Words {
                name: "volatile-default",
                squawk: "adding-field-with-default",
                message: "this default is worked out for each row: {} is written anew while reads and writes are locked out",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "add the column without it, write `ALTER COLUMN .. SET DEFAULT ..` for new rows, and fill old ones in batches",
            },
            Self::GeneratedColumn => &Words {
                name: "generated-column",
                squawk: "adding-field-with-default",
                message: "the server fills this column in: {} is written anew while reads and writes are locked out",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "add a plain column, let the application or a trigger write it, and fill old rows in batches",
            },
            Self::RequiredColumn => &Words {
                name: "required-column",
                squawk: "adding-required-field",
                message: "running code that inserts into {} fails from here on: it does not know the new column",
                label: "NOT NULL, and no default",
                help: "give it a default, or add it nullable and write `SET NOT NULL` when all code fills it in; where the \
                       table has rows, this statement fails too",
            },
            Self::SetNotNull => &Words {
                name: "set-not-null",
                squawk: "adding-not-nullable-field",
                message: "every row of {} is checked while reads and writes are locked out",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "first add `CHECK (.. IS NOT NULL) NOT VALID`; in a later migration write `VALIDATE CONSTRAINT ..` \
                       before `SET NOT NULL`, which then looks at no row",
            },
            Self::ColumnType => &Words {
                name: "column-type",
                squawk: "changing-column-type",
                message: "another type may write {} anew while reads and writes are locked out, and running code does not expect it",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "add a column of the new type, fill both until no code needs the old one, then drop that; rows stay as \
                       they are only where the values do (varchar to text, a longer varchar)",
            },
            Self::DomainConstraint => &Words {
                name: "domain-constraint",
                squawk: "ban-alter-domain-with-add-constraint",
                message: "adding this check locks out writes to every table with a column of {} while its rows are checked",
                label: "holds a SHARE lock on each",
                help: "write `ADD CONSTRAINT .. NOT VALID` here, and `ALTER DOMAIN .. VALIDATE CONSTRAINT ..` in a later migration",
            },
            Self::TableRewrite => &Words {
                name: "table-rewrite",
                squawk: "prefer-repack",
                message: "this writes {} anew while reads and writes are locked out",
                label: "holds an ACCESS EXCLUSIVE lock",
                help: "a plain `VACUUM` keeps a table in use; pg_repack, or `REPACK (CONCURRENTLY)` of PostgreSQL 19, rewrites it so",
            },
            Self::TruncateCascade => &Words {
                name: "truncate-cascade",
                squawk: "ban-truncate-cascade",
                message: "this empties {}, and every table that refers to it, and those that refer to them",
                label: "also tables that are not named here",
                help: "name the tables that are to be emptied, and leave out `CASCADE`",
            },
            Self::RenameTable => &Words {
                name: "rename-table",
                squawk: "renaming-table, renaming-object",
                message: "running code that uses {} fails from here on",
                label: "the old name is gone",
                help: "leave a view with the old name in the same migration, and drop it when no code uses it",
            },
            Self::RenameColumn => &Words {
                name: "rename-column",
                squawk: "renaming-column",
                message: "running code that uses this column of {} fails from here on",
                label: "the old name is gone",
                help: "add a column with the new name, fill both until no code uses the old one, then drop that",
            },
            Self::RenameEnumValue => &Words {
                name: "rename-enum-value",
                squawk: "renaming-object",
                message: "running code that reads or writes the old value of {} fails from here on",
                label: "the old value is gone",
                help: "add the new value with `ALTER TYPE .. ADD VALUE ..`, and let both stand until no code uses the old one",
            },
            Self::MoveTable => &Words {
                name: "move-table",
                squawk: "ban-set-schema",
                message: "running code that looks for {} where it was fails from here on",
                label: "it is in another schema",
                help: "leave a view in the old schema in the same migration, and drop it when no code uses it",
            },
            Self::DropTable => &Words {
                name: "drop-table",
                squawk: "ban-drop-table",
                message: "running code that uses {} fails from here on, and its rows are gone",
                label: "cannot be undone",
                help: "drop it in the release after the one whose code no longer uses it, and say so: `-- #[allow(drop-table)]`",
            },
            Self::DropView => &Words {
                name: "drop-view",
                squawk: "ban-drop-view",
                message: "running code that reads {} fails from here on",
                label: "gone",
                help: "drop it in the release after the one whose code no longer reads it, and say so: `-- #[allow(drop-view)]`",
            },
            Self::DropColumn => &Words {
                name: "drop-column",
                squawk: "ban-drop-column",
                message: "running code that uses this column of {} fails from here on, and its values are gone",
                label: "cannot be undone",
                help: "drop it in the release after the one whose code no longer uses it (`SELECT *` does), and say so: \
                       `-- #[allow(drop-column)]`",
            },
            Self::DropSchema => &Words {
                name: "drop-schema",
                squawk: "ban-drop-schema",
                message: "running code that uses what is in the schema {} fails from here on",
                label: "cannot be undone",
                help: "drop it in the release after the one whose code no longer uses it, and say so: `-- #[allow(drop-schema)]`",
            },
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A place where a lint applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the file.
    pub span: Range<usize>,
    /// Which.
    pub lint: Lint,
    /// What it happens to, where the statement names it.
    pub subject: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_in_kebab_case() {
        let names: BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.name()).collect();
        assert_eq!(names.len(), Lint::ALL.len());
        for lint in Lint::ALL {
            assert!(lint.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{lint}");
            assert_eq!(Lint::by_name(lint.name()), Some(lint));
        }
    }

    #[test]
    fn the_documentation_has_a_line_for_each() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lints.md");
        let text = std::fs::read_to_string(path).unwrap();
        for lint in Lint::ALL {
            let line = text.lines().find(|line| line.starts_with(&format!("| `{lint}` ")));
            let line = line.unwrap_or_else(|| panic!("docs/lints.md has no line for `{lint}`"));
            for rule in lint.squawk_rule().split(", ") {
                assert!(line.contains(&format!("`{rule}`")), "{line}");
            }
        }
        let listed = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        for name in listed {
            assert!(Lint::by_name(name).is_some(), "docs/lints.md has a lint `{name}`, which is none");
        }
    }
}
