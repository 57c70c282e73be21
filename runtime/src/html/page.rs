//! The page itself.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use sharded_migrations_core::{DatabaseName, Migrations, Version, diagnostic, fold};

use super::markup::Text;
use super::matrix::{self, Cell, Matrix};
use super::timeline::{Kind, Span, Timeline, Track};
use crate::figures::{did, duration};
use crate::report::{Outcome, Report};

const STYLE: &str = include_str!("style.css");

/// The states of the matrix, in the order of its legend.
const LEGEND: [Cell; 7] = [
    Cell::Before,
    Cell::Applied,
    Cell::TakenBack,
    Cell::Failed,
    Cell::Pending,
    Cell::Unknown,
    Cell::Elsewhere,
];

pub(super) fn render(
    migrations: &Migrations,
    began: SystemTime,
    timeline: &Timeline,
    report: Option<&Report>,
) -> String {
    let page = Page { migrations, began, timeline, report };
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = page.write(&mut text);
    text
}

struct Page<'p> {
    migrations: &'p Migrations,
    began: SystemTime,
    timeline: &'p Timeline,
    report: Option<&'p Report>,
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let began = humantime::format_rfc3339_seconds(self.began);
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Migrations of {began}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <h1>Migrations <small>{began}</small></h1>\n"
        )?;
        match self.report {
            Some(report) => {
                self.summary(out, report)?;
                self.failures(out, report)?;
                self.refusals(out, report)?;
                self.matrix(out, report)?;
            }
            None => out.push_str("<p class=\"bad\">The run did not end, or has not yet.</p>\n"),
        }
        self.timeline(out)?;
        out.push_str("</body>\n</html>\n");
        Ok(())
    }

    fn summary(&self, out: &mut String, report: &Report) -> fmt::Result {
        let of =
            |kind: &str| report.databases.iter().filter(|database| database.outcome.kind() == kind).count();
        writeln!(
            out,
            "<p class=\"summary\">{} migrations {} on {} of {} databases in {}</p>\n<ul class=\"counts\">",
            report.applied() + report.taken_back(),
            did(report.direction),
            report.databases.iter().filter(|database| !database.steps().is_empty()).count(),
            report.databases.len(),
            duration(report.elapsed),
        )?;
        for kind in ["done", "failed", "refused", "halted", "waits", "interrupted", "not_started"] {
            if of(kind) > 0 {
                writeln!(out, "<li class=\"{kind}\"><b>{}</b> {}</li>", of(kind), kind.replace('_', " "))?;
            }
        }
        out.push_str("</ul>\n");
        if let Some(stopped) = &report.stopped {
            writeln!(out, "<p class=\"bad\">Nothing new was started: {}.</p>", Text(stopped.to_string()))?;
        }
        if report.interrupted {
            out.push_str("<p class=\"bad\">The run was interrupted.</p>\n");
        }
        Ok(())
    }

    /// Each with the lines of its file.
    fn failures(&self, out: &mut String, report: &Report) -> fmt::Result {
        let failures = report.failures();
        if failures.is_empty() {
            return Ok(());
        }
        out.push_str("<h2>Failures</h2>\n");
        for (error, others) in failures {
            let text = error.diagnostic().render(diagnostic::Style::Plain);
            writeln!(out, "<pre class=\"failure\">{}</pre>", Text(text))?;
            if !others.is_empty() {
                writeln!(out, "<p>The same on {}.</p>", Names(&others))?;
            }
        }
        Ok(())
    }

    fn refusals(&self, out: &mut String, report: &Report) -> fmt::Result {
        let mut alike: Vec<(Vec<String>, Vec<&DatabaseName>)> = Vec::new();
        for database in &report.databases {
            let reasons: Vec<String> = match &database.outcome {
                Outcome::Refused(reasons) => reasons.iter().map(ToString::to_string).collect(),
                Outcome::Waits(blocker) => vec![blocker.to_string()],
                _ => continue,
            };
            match alike.iter_mut().find(|(known, _)| *known == reasons) {
                Some((_, names)) => names.push(&database.name),
                None => alike.push((reasons, vec![&database.name])),
            }
        }
        if alike.is_empty() {
            return Ok(());
        }
        out.push_str("<h2>Refused or waiting</h2>\n<dl>\n");
        for (reasons, names) in alike {
            writeln!(out, "<dt>{}</dt>", Names(&names))?;
            reasons.iter().try_for_each(|reason| writeln!(out, "<dd>{}</dd>", Text(reason)))?;
        }
        out.push_str("</dl>\n");
        Ok(())
    }

    fn matrix(&self, out: &mut String, report: &Report) -> fmt::Result {
        let Matrix { columns, rows } = matrix::matrix(self.migrations, &report.databases);
        out.push_str("<h2>The fleet</h2>\n<ul class=\"legend\">\n");
        for cell in LEGEND {
            if rows.iter().any(|row| row.cells.contains(&cell)) {
                let (class, words) = cell.words();
                writeln!(out, "<li><i class=\"{class}\"></i> {words}</li>")?;
            }
        }
        out.push_str(
            "</ul>\n<div class=\"wide\">\n<table class=\"matrix\">\n<thead><tr><th>databases</th><th></th>",
        );
        for column in &columns {
            write!(out, "<th title=\"{}\">{}</th>", Text(self.titles(column)), Versions(column))?;
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &rows {
            write!(
                out,
                "<tr><th>{}</th><td class=\"outcome\">{}</td>",
                Names(&row.databases),
                row.outcome.replace('_', " ")
            )?;
            for (cell, column) in row.cells.iter().zip(&columns) {
                let (class, words) = cell.words();
                write!(out, "<td class=\"{class}\" title=\"{}: {words}\"></td>", Versions(column))?;
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
        Ok(())
    }

    /// The migrations of a column by name, a line each.
    fn titles(&self, versions: &[Version]) -> String {
        let is_here = |version: &Version| versions.contains(version);
        let here = self.migrations.migrations.iter().filter(|migration| is_here(&migration.version));
        here.map(|migration| format!("{migration} ({})", migration.route)).collect::<Vec<_>>().join("\n")
    }

    fn timeline(&self, out: &mut String) -> fmt::Result {
        let Timeline { tracks, waves, end } = self.timeline;
        let busy: Vec<&Track> = tracks.iter().filter(|track| !track.spans.is_empty()).collect();
        if busy.is_empty() {
            return Ok(());
        }
        let part = |time: Duration| 100.0 * time.as_secs_f64() / end.as_secs_f64().max(0.001);
        writeln!(
            out,
            "<h2>The time</h2>\n<p>From the start to {}.</p>\n<ul class=\"legend\">",
            duration(*end)
        )?;
        for kind in [Kind::Applying, Kind::Locked, Kind::Retrying] {
            if busy.iter().any(|track| track.spans.iter().any(|span| span.kind == kind)) {
                let (class, word) = words(kind);
                writeln!(out, "<li><i class=\"{class}\"></i> {word}</li>")?;
            }
        }
        out.push_str("</ul>\n<div class=\"timeline\">\n");
        if waves.len() > 1 {
            out.push_str("<div class=\"track waves\"><span>waves</span><div>");
            for wave in waves {
                write!(
                    out,
                    "<b style=\"left:{:.2}%\" title=\"{}: {} databases, from {}\"></b>",
                    part(wave.begin),
                    wave.name,
                    wave.databases,
                    duration(wave.begin)
                )?;
            }
            out.push_str("</div></div>\n");
        }
        for track in busy {
            write!(out, "<div class=\"track\"><span>{0}</span><div>", Text(track.database.as_str()))?;
            for span in &track.spans {
                let (class, word) = words(span.kind);
                write!(
                    out,
                    "<i class=\"{class}\" style=\"left:{:.2}%;width:{:.2}%\" title=\"{}\"></i>",
                    part(span.begin),
                    part(span.end.saturating_sub(span.begin)),
                    Text(title(track, span, word)),
                )?;
            }
            out.push_str("</div></div>\n");
        }
        out.push_str("</div>\n");
        Ok(())
    }
}

/// The class in the style sheet, and the word for it.
fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Applying => ("applying", "at work"),
        Kind::Locked => ("locked", "waiting for a lock"),
        Kind::Retrying => ("retrying", "trying again soon"),
    }
}

fn title(track: &Track, span: &Span, word: &str) -> String {
    let took = duration(span.end.saturating_sub(span.begin));
    let mut title = format!("{}: {word}, from {} for {took}", track.database, duration(span.begin));
    span.notes.iter().for_each(|note| title.push_str(&format!("\n{note}")));
    title
}

/// `3`, or `1–24` for several.
struct Versions<'v>(&'v [Version]);

impl fmt::Display for Versions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [first, .., last] => write!(f, "{first}–{last}"),
            one => one.iter().try_for_each(|version| write!(f, "{version}")),
        }
    }
}

/// Names that are too many to be read at once are behind a line to click on.
struct Names<'n>(&'n [&'n DatabaseName]);

/// How wide the names may be that are shown at once.
const COLUMNS: usize = 48;

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = fold::Names::fold(self.0.iter().map(|name| name.as_str()));
        let all = names.to_string();
        let count = if names.count() > 1 { format!(" ({} databases)", names.count()) } else { String::new() };
        if all.len() <= COLUMNS {
            return write!(f, "{}{count}", Text(all));
        }
        let some = Text(names.within(COLUMNS));
        write!(f, "<details><summary>{some}{count}</summary>{}</details>", Text(all))
    }
}
