//! `apply`: migrate, and show it as it happens.

mod signals;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sharded_migrations_core::Migrations;
use tokio::time::MissedTickBehavior;

use super::{Format, Options, Progress, Verbosity, complain};
use crate::executor::Migrator;
use crate::exit_code;
use crate::html::HtmlReport;
use crate::interrupt::Urgency;
use crate::report::Report;
use crate::reporter::{Display, Human, Json, Place, Reporter};
use crate::survey::Goal;
use signals::Signals;

/// How often a reporter may look at the time.
const TICK: Duration = Duration::from_millis(250);

/// Applies what is pending; the exit code.
pub(super) async fn apply<'m>(migrator: Migrator<'m>, migrations: &'m Migrations, options: &Options) -> u8 {
    let goal = Goal::Up(migrator.to);
    run(migrator, migrations, options, goal).await.map_or_else(|code| code, |report| report.exit_code())
}

/// A run, either way; the exit code where there is no report of it. The first signal to end starts nothing new, the
/// second one cancels what runs, the third one waits for nobody.
pub(super) async fn run<'m>(
    migrator: Migrator<'m>,
    migrations: &'m Migrations,
    options: &Options,
    goal: Goal,
) -> Result<Report, u8> {
    // Before anything is written: who asked for a report wants to have one.
    let report = match options.report.as_deref().map(|path| ReportFile::create(path, migrations)).transpose()
    {
        Ok(report) => report,
        Err(message) => {
            complain(&message);
            return Err(exit_code::USAGE);
        }
    };
    let reporter: Arc<dyn Reporter> = match options.format {
        Format::Human => {
            let display =
                Display::choose(Place::of_process(), options.verbosity.into(), options.progress.into());
            Arc::new(Human::new(display, anstream::stdout(), anstream::stderr()))
        }
        Format::Json => Arc::new(Json::new(std::io::stdout())),
    };
    let listener = Arc::clone(&reporter);
    let migrator = migrator
        .tell_table_locks(options.verbosity > Verbosity::Quiet && options.progress == Progress::Auto)
        .on_event(move |event| listener.event(event));
    let migrator = match &report {
        Some(report) => {
            let html = Arc::clone(&report.html);
            migrator.on_event(move |event| html.event(event))
        }
        None => migrator,
    };
    let interrupter = migrator.interrupter();
    let mut signals = Signals::listen()
        .map_err(|error| complain(&format!("Ctrl-C ends this run without its report: {error}")))
        .ok();
    let mut run = std::pin::pin!(migrator.pursue(goal));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let result = loop {
        tokio::select! {
            result = &mut run => break result,
            _ = ticks.tick() => reporter.tick(),
            () = next(&mut signals) => match interrupter.urgency() {
                // A server that does not even answer to that: dropping the run cuts its connections.
                Urgency::Cancel => {
                    complain("ended at the third signal, without a report: `status` shows what is applied");
                    return Err(exit_code::INTERRUPTED);
                }
                _ => interrupter.interrupt(),
            },
        }
    };
    if let Some(Err(message)) = report.map(ReportFile::write) {
        complain(&message);
    }
    Ok(result.unwrap_or_else(|error| error.report))
}

/// The file of `--report`.
struct ReportFile<'m> {
    path: PathBuf,
    file: File,
    html: Arc<HtmlReport<'m>>,
}

impl<'m> ReportFile<'m> {
    fn create(path: &Path, migrations: &'m Migrations) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), file, html: Arc::new(HtmlReport::new(migrations)) })
    }

    fn write(mut self) -> Result<(), String> {
        self.file.write_all(self.html.render().as_bytes()).map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("the report `{}` (`--report`) cannot be written: {error}", path.display())
}

async fn next(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
