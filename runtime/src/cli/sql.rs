//! `sql`, `plan --sql` and `down --sql`: the text that databases get, with their variables filled in. It is SQL as it
//! is: what is ours in it is comments.

use serde_json::Value;
use sharded_migrations_core::source::path_in;
use sharded_migrations_core::{
    Database, DatabaseName, Direction, Migration, Migrations, Script, Start, Step, suggest,
};

use super::show::{alike, named};
use crate::exit_code;
use crate::fleet::{FleetError, Selection};
use crate::planned::RolloutPlan;
use crate::reporter::document::Text;
use crate::reporter::{count, document};
use crate::survey::Surveyed;

/// The texts of one migration, or of its reverse file, on the selected databases. Nothing is connected to.
pub(super) struct Texts<'m>(Vec<Text<'m>>);

impl<'m> Texts<'m> {
    /// Finds a migration by its version, its name or its file, and its reverse file by that.
    pub(super) fn find(
        name: &str,
        selection: &Selection,
        migrations: &'m Migrations,
    ) -> Result<Self, String> {
        let databases = selection.resolve(&migrations.topology);
        let databases = databases.map_err(|faults| FleetError(faults).to_string())?;
        let is_file = |file: &str| file == name || path_in(&migrations.folder, file) == name;
        let find = |migration: &'m Migration| {
            let is_it = *migration.name == *name || name.parse() == Ok(migration.version.get());
            if is_it || is_file(&migration.file) {
                return Some((migration, Direction::Up, migration.forward()));
            }
            let backward = migration.backward().filter(|script| is_file(script.file))?;
            Some((migration, Direction::Down, backward))
        };
        let known: Vec<_> = migrations.migrations.iter().filter_map(find).collect();
        if known.is_empty() {
            if name.parse::<i64>().is_ok() {
                return Err(format!("no migration has the version {name}"));
            }
            let names = migrations.migrations.iter().map(|migration| migration.name.as_ref());
            let help = suggest::help(name, "migrations", names);
            return Err(format!("no migration is called `{name}`; {help}"));
        }
        let mut texts = Vec::new();
        for database in databases {
            let mut here = known.iter().filter(|(migration, ..)| migration.route.selects(database));
            match (here.next(), here.next()) {
                (None, _) => {}
                (Some((migration, direction, script)), None) => {
                    let sql = match direction {
                        Direction::Up => migration.sql_for(database),
                        Direction::Down => script.sql_for(database),
                    };
                    let sql = sql.map_err(|missing| missing.to_string())?.into_owned();
                    texts.push(Text { database, migration, file: script.file, sql });
                }
                (Some((one, ..)), Some((other, ..))) => {
                    return Err(format!(
                        "`{name}` is the name of both {} and {} on `{}`: say it by the version",
                        one.version, other.version, database.name
                    ));
                }
            }
        }
        if texts.is_empty() {
            let routes =
                known.iter().map(|(migration, _, script)| format!("`{}` ({})", script.file, migration.route));
            let routes: Vec<String> = routes.collect();
            let routes = suggest::list(routes.iter().map(String::as_str));
            return Err(format!("no selected database gets the migration `{name}`: it is {routes}"));
        }
        Ok(Self(texts))
    }

    /// For people, and for whoever reads SQL: one text alone is nothing but itself.
    pub(super) fn sql(&self) -> String {
        let texts =
            self.0.iter().map(|Text { database, file, sql, .. }| ((*file, sql.as_str()), &database.name));
        match alike(texts).as_slice() {
            [((_, text), _)] => ended(text),
            several => several.iter().map(|((file, text), names)| marked(file, names, text)).collect(),
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        document::sql(&self.0, exit_code::DONE)
    }
}

/// What is left to run of a step on a database.
pub(super) fn of_step(database: &Database, step: &Step<'_>) -> String {
    if step.is_code() {
        // No SQL, and not to be run as such.
        return step
            .migration
            .sql
            .lines()
            .map(|line| format!("-- | {line}").trim_end().to_owned() + "\n")
            .collect();
    }
    let rest = match step.start {
        Start::Fresh => 0,
        Start::Resumed { done, .. } => {
            let script = step.script;
            script.statements.get(done).map_or(script.sql.len(), |statement| statement.start)
        }
    };
    let rest = Script { sql: &step.script.sql[rest..], ..step.script };
    match rest.sql_for(database) {
        Ok(text) => text.into_owned(),
        Err(missing) => format!("-- {missing}\n"),
    }
}

/// What each database would get, those with equal texts together.
pub(super) fn of_plan(plan: &RolloutPlan<'_>) -> String {
    let texts = plan.survey.databases.iter().filter_map(|surveyed| {
        let steps = &surveyed.standing.as_ref().ok()?.steps;
        let text: String = steps.iter().map(|step| of_one(surveyed, step)).collect();
        (!text.is_empty()).then_some((text, &surveyed.database.name))
    });
    alike(texts)
        .iter()
        .map(|(text, names)| format!("-- == {} ==\n{text}", named(names.iter().copied(), WIDE)))
        .collect()
}

fn of_one(surveyed: &Surveyed<'_>, step: &Step<'_>) -> String {
    let rest = match (step.migration.code.as_ref().filter(|_| step.is_code()), step.start) {
        (Some(code), Start::Fresh) => format!(" is code: `{}` of the application", code.function),
        (Some(code), Start::Resumed { .. }) => {
            format!(" is code: `{}` of the application, from its checkpoint on", code.function)
        }
        (None, Start::Fresh) => String::new(),
        (None, Start::Resumed { done, .. }) => {
            format!(", behind {} already done", count(done, "statement"))
        }
    };
    let text = of_step(&surveyed.database, step);
    format!("-- {step} ({}){rest}\n{}\n", step.script.file, ended(&text))
}

/// Names in a comment are all there.
const WIDE: usize = usize::MAX;

fn marked(file: &str, names: &[&DatabaseName], text: &str) -> String {
    format!("-- == {file} on {} ==\n{}\n", named(names.iter().copied(), WIDE), ended(text))
}

/// With a line end behind it.
fn ended(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
