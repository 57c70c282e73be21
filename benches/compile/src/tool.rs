//! Who is compared, and how an application uses each.

use std::fmt;

use clap::ValueEnum;

use crate::root;

/// A way to get migrations into a binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// A list of `include_str!`: what any tool costs at least
    Raw,
    /// This crate
    Ours,
    /// `refinery::embed_migrations!`
    Refinery,
    /// `sqlx::migrate!`
    Sqlx,
    /// `diesel_migrations::embed_migrations!`
    Diesel,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Tool {
    pub(crate) const ALL: [Self; 5] = [Self::Raw, Self::Ours, Self::Refinery, Self::Sqlx, Self::Diesel];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Ours => "ours",
            Self::Refinery => "refinery",
            Self::Sqlx => "sqlx",
            Self::Diesel => "diesel",
        }
    }

    /// The dependencies of an application that embeds migrations, as lines of its `Cargo.toml`. Ours needs one
    /// driver to be built at all.
    pub(crate) fn dependencies(self) -> String {
        let root = root();
        let root = root.display();
        match self {
            Self::Raw => String::new(),
            Self::Ours => format!(
                "sharded-migrations = {{ path = \"{root}/runtime\", default-features = false, features = [\"sqlite\"] }}\n\
                 [build-dependencies]\nsharded-migrations-build = {{ path = \"{root}/build\" }}\n"
            ),
            Self::Refinery => "refinery = { version = \"0.10\", default-features = false }\n".to_owned(),
            Self::Sqlx => {
                "sqlx = { version = \"0.9\", default-features = false, features = [\"macros\", \"migrate\"] }\n".to_owned()
            }
            Self::Diesel => "diesel_migrations = { version = \"2.3\", default-features = false }\n".to_owned(),
        }
    }

    /// The crate of the macro, which brings all that runs at build time.
    pub(crate) fn macro_crate(self) -> Option<String> {
        let root = root();
        Some(match self {
            Self::Raw => return None,
            Self::Ours => format!("sharded-migrations-macros = {{ path = \"{}/macros\" }}\n", root.display()),
            Self::Refinery => "refinery-macros = \"0.10\"\n".to_owned(),
            Self::Sqlx => {
                "sqlx-macros = { version = \"0.9\", default-features = false, features = [\"macros\", \"migrate\"] }\n"
                    .to_owned()
            }
            Self::Diesel => "migrations_macros = \"2.3\"\n".to_owned(),
        })
    }

    /// The application's code. Each says something of the set, so that nothing of it is left out of the binary.
    pub(crate) fn code(self, files: &[String]) -> String {
        match self {
            Self::Raw => {
                let files: String = files
                    .iter()
                    .map(|file| format!("    include_str!(\"../migrations/{file}\"),\n"))
                    .collect();
                format!(
                    "static FILES: &[&str] = &[\n{files}];\n\nfn main() {{\n    println!(\"{{}}\", FILES.len());\n}}\n"
                )
            }
            Self::Ours => "use sharded_migrations::{Migrations, embed_sharded_migrations};\n\n\
                static SET: Migrations = embed_sharded_migrations!();\n\n\
                fn main() {\n    println!(\"{}\", SET.migrations.len());\n}\n"
                .to_owned(),
            Self::Refinery => "refinery::embed_migrations!(\"migrations\");\n\n\
                fn main() {\n    println!(\"{}\", migrations::runner().get_migrations().len());\n}\n"
                .to_owned(),
            Self::Sqlx => "static SET: sqlx::migrate::Migrator = sqlx::migrate!();\n\n\
                fn main() {\n    println!(\"{}\", SET.iter().count());\n}\n"
                .to_owned(),
            Self::Diesel => "use diesel_migrations::{EmbeddedMigrations, embed_migrations};\n\n\
                static SET: EmbeddedMigrations = embed_migrations!();\n\n\
                fn main() {\n    println!(\"{:p}\", &SET);\n}\n"
                .to_owned(),
        }
    }

    /// Makes an added file rebuild the crate.
    pub(crate) fn build_script(self) -> &'static str {
        match self {
            Self::Ours => "fn main() {\n    sharded_migrations_build::track();\n}\n",
            _ => "fn main() {\n    println!(\"cargo::rerun-if-changed=migrations\");\n}\n",
        }
    }

    /// Where a migration's file is, below the folder of migrations.
    pub(crate) fn path(self, version: usize) -> String {
        match self {
            Self::Raw | Self::Ours | Self::Refinery => format!("V{version}__table_{version}.sql"),
            Self::Sqlx => format!("{version}_table_{version}.sql"),
            Self::Diesel => format!("{version:014}_table_{version}/up.sql"),
        }
    }
}
