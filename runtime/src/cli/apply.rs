//! `apply`: migrate, and show it as it happens.

use super::{Format, Options};
use crate::executor::Migrator;
use crate::reporter::{Human, Json, Reporter};

pub(super) async fn apply(migrator: Migrator<'_>, options: &Options) -> u8 {
    let reporter: Box<dyn Reporter> = match options.format {
        Format::Human => {
            Box::new(Human::new(options.verbosity.into(), anstream::stdout(), anstream::stderr()))
        }
        Format::Json => Box::new(Json::new(std::io::stdout())),
    };
    let result = migrator.on_event(move |event| reporter.event(event)).run().await;
    let report = result.unwrap_or_else(|error| error.report);
    report.exit_code()
}
