//! What every database has: databases that have the same share a row, migrations that look alike everywhere
//! share a column.

use std::collections::{BTreeMap, BTreeSet};

use sharded_migrations_core::{DatabaseName, Migrations, Version};

use crate::report::{DatabaseReport, Outcome};

/// What a migration is to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// Not routed here.
    Elsewhere,
    Before,
    Applied,
    TakenBack,
    Failed,
    Pending,
    /// Nobody could find out.
    Unknown,
}

impl Cell {
    /// The class in the style sheet, and the words for it.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Elsewhere => ("elsewhere", "not routed there"),
            Self::Before => ("before", "applied before"),
            Self::Applied => ("applied", "applied now"),
            Self::TakenBack => ("taken-back", "taken back now"),
            Self::Failed => ("failed", "failed"),
            Self::Pending => ("pending", "pending"),
            Self::Unknown => ("unknown", "not known"),
        }
    }
}

/// The fleet at the end of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matrix<'r> {
    /// The migrations of each column, in order.
    pub(super) columns: Vec<Vec<Version>>,
    pub(super) rows: Vec<Row<'r>>,
}

/// Databases that have the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'r> {
    pub(super) databases: Vec<&'r DatabaseName>,
    pub(super) outcome: &'static str,
    /// One for each column.
    pub(super) cells: Vec<Cell>,
}

pub(super) fn matrix<'r>(migrations: &Migrations, databases: &'r [DatabaseReport]) -> Matrix<'r> {
    let mut rows: Vec<Row<'r>> = Vec::new();
    let versions: BTreeSet<Version> =
        migrations.migrations.iter().map(|migration| migration.version).collect();
    for report in databases {
        let states = states(migrations, report);
        let cells: Vec<Cell> =
            versions.iter().map(|version| states.get(version).copied().unwrap_or(Cell::Elsewhere)).collect();
        let outcome = report.outcome.kind();
        match rows.iter_mut().find(|row| row.outcome == outcome && row.cells == cells) {
            Some(row) => row.databases.push(&report.name),
            None => rows.push(Row { databases: vec![&report.name], outcome, cells }),
        }
    }
    fold(versions.into_iter().collect(), rows)
}

/// Joins neighbouring migrations that have the same cell in every row.
fn fold(versions: Vec<Version>, rows: Vec<Row<'_>>) -> Matrix<'_> {
    let column = |index: usize| rows.iter().map(move |row| row.cells[index]);
    let mut columns: Vec<Vec<Version>> = Vec::new();
    let mut firsts: Vec<usize> = Vec::new();
    for (index, version) in versions.into_iter().enumerate() {
        match columns.last_mut() {
            Some(last) if column(index).eq(column(index - 1)) => last.push(version),
            _ => {
                columns.push(vec![version]);
                firsts.push(index);
            }
        }
    }
    let folded = |cells: &[Cell]| firsts.iter().map(|index| cells[*index]).collect();
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| folded(&row.cells)).collect();
    let rows = rows.into_iter().zip(cells).map(|(row, cells)| Row { cells, ..row }).collect();
    Matrix { columns, rows }
}

fn states(migrations: &Migrations, report: &DatabaseReport) -> BTreeMap<Version, Cell> {
    let Some(database) = migrations.topology.database(report.name.as_str()) else { return BTreeMap::new() };
    let base = if report.pending.is_none() { Cell::Unknown } else { Cell::Before };
    let mut states: BTreeMap<Version, Cell> =
        migrations.routed_to(database).map(|migration| (migration.version, base)).collect();
    states.extend(report.pending.iter().flatten().map(|version| (*version, Cell::Pending)));
    states.extend(report.applied.iter().map(|step| (step.version, Cell::Applied)));
    states.extend(report.taken_back.iter().map(|step| (step.version, Cell::TakenBack)));
    if let Outcome::Failed(error) = &report.outcome {
        states.insert(error.version, Cell::Failed);
    }
    states
}
