//! `apply`: migrate, and show it as it happens.

use super::{Format, Options, complain};
use crate::executor::Migrator;
use crate::exit_code;
use crate::interrupt::Urgency;
use crate::reporter::{Human, Json, Reporter};
use signals::Signals;

mod signals;

/// The first signal to end starts nothing new, the second one cancels what runs, the third one waits for nobody.
pub(super) async fn apply(migrator: Migrator<'_>, options: &Options) -> u8 {
    let reporter: Box<dyn Reporter> = match options.format {
        Format::Human => {
            Box::new(Human::new(options.verbosity.into(), anstream::stdout(), anstream::stderr()))
        }
        Format::Json => Box::new(Json::new(std::io::stdout())),
    };
    let migrator = migrator.on_event(move |event| reporter.event(event));
    let interrupter = migrator.interrupter();
    let mut signals = Signals::listen()
        .map_err(|error| complain(&format!("Ctrl-C ends this run without its report: {error}")))
        .ok();
    let mut run = std::pin::pin!(migrator.run());
    let result = loop {
        tokio::select! {
            result = &mut run => break result,
            () = next(&mut signals) => match interrupter.urgency() {
                // A server that does not even answer to that: dropping the run cuts its connections.
                Urgency::Cancel => {
                    complain("ended at the third signal, without a report: `status` shows what is applied");
                    return exit_code::INTERRUPTED;
                }
                _ => interrupter.interrupt(),
            },
        }
    };
    let report = result.unwrap_or_else(|error| error.report);
    report.exit_code()
}

async fn next(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
