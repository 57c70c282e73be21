//! A route: the predicate on a migration that selects databases.

use std::fmt;

use crate::topology::Database;
use crate::{DatabaseName, GroupName, Label, List};

/// Which databases a migration is for; written as `#[route(..)]`, with the logic of `cfg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Route {
    /// `everywhere`: every database.
    Everywhere,
    /// `group = "users"`: the databases of a group.
    Group(GroupName),
    /// `database = "default"`: one database.
    Database(DatabaseName),
    /// `label = "eu"`: the databases with a label.
    Label(Label),
    /// `any(a, b)`: at least one holds.
    Any(List<Route>),
    /// `all(a, b)`: each one holds.
    All(List<Route>),
    /// `not(a)`: none of these holds; as written there is exactly one.
    Not(List<Route>),
}

impl Route {
    /// The same once more, while the program is compiled.
    pub(crate) const fn embedded(&'static self) -> Self {
        const fn all(routes: &'static List<Route>) -> List<Route> {
            match routes {
                List::Borrowed(routes) => List::Borrowed(routes),
                List::Owned(routes) => List::Borrowed(routes.as_slice()),
            }
        }
        match self {
            Self::Everywhere => Self::Everywhere,
            Self::Group(name) => Self::Group(GroupName::embedded(name.as_str())),
            Self::Database(name) => Self::Database(DatabaseName::embedded(name.as_str())),
            Self::Label(name) => Self::Label(Label::embedded(name.as_str())),
            Self::Any(routes) => Self::Any(all(routes)),
            Self::All(routes) => Self::All(all(routes)),
            Self::Not(routes) => Self::Not(all(routes)),
        }
    }

    /// Whether the predicate holds for a database. Says nothing about replicas: they are never
    /// asked.
    pub fn selects(&self, database: &Database) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Group(group) => database.group.as_ref() == Some(group),
            Self::Database(name) => database.name == *name,
            Self::Label(label) => database.labels.contains(label),
            Self::Any(routes) => routes.iter().any(|route| route.selects(database)),
            Self::All(routes) => routes.iter().all(|route| route.selects(database)),
            Self::Not(routes) => !routes.iter().any(|route| route.selects(database)),
        }
    }
}

/// As it is written in a header.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, routes: &[Route]| {
            write!(f, "{word}(")?;
            for (index, route) in routes.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "{route}")?;
            }
            f.write_str(")")
        };
        match self {
            Self::Everywhere => f.write_str("everywhere"),
            Self::Group(group) => write!(f, "group = \"{group}\""),
            Self::Database(name) => write!(f, "database = \"{name}\""),
            Self::Label(label) => write!(f, "label = \"{label}\""),
            Self::Any(routes) => list(f, "any", routes),
            Self::All(routes) => list(f, "all", routes),
            Self::Not(routes) => list(f, "not", routes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::tests::database;

    fn group(name: &'static str) -> Route {
        Route::Group(GroupName::embedded(name))
    }

    #[test]
    fn selects_as_cfg_does() {
        let users = database("users_01", Some("users"), &["eu"]);
        let default = database("default", None, &[]);
        let eu = Route::Label(Label::embedded("eu"));
        let of = |routes: &[Route]| -> List<Route> { routes.to_vec().into() };
        let cases = [
            (Route::Everywhere, true, true),
            (group("users"), true, false),
            (Route::Database(DatabaseName::embedded("default")), false, true),
            (eu.clone(), true, false),
            (Route::Any(of(&[group("tenants"), eu.clone()])), true, false),
            (Route::All(of(&[group("tenants"), eu.clone()])), false, false),
            (Route::All(of(&[group("users"), eu.clone()])), true, false),
            (Route::Not(of(&[eu])), false, true),
            (Route::Any(of(&[])), false, false),
            (Route::All(of(&[])), true, true),
        ];
        for (route, on_users, on_default) in cases {
            assert_eq!(route.selects(&users), on_users, "{route} on users_01");
            assert_eq!(route.selects(&default), on_default, "{route} on default");
        }
    }

    #[test]
    fn reads_as_it_was_written() {
        let route = Route::Any(vec![group("users"), Route::Not(vec![Route::Everywhere].into())].into());
        assert_eq!(route.to_string(), r#"any(group = "users", not(everywhere))"#);
    }
}
