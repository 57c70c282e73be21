//! Whether what changes the history, or destroys something, is really wanted.

use std::io::{self, BufRead, IsTerminal, Write};

use super::args::{Format, Options};

/// How far a verb goes that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// `--dry-run`: it shows what it would do.
    DryRun,
    /// `--yes`: it does it.
    Given,
    /// It shows what it would do, and asks.
    Ask,
}

impl Consent {
    /// What the options say; where they say nothing, somebody has to be there who can be asked.
    pub(super) fn of(options: &Options, verb: &str) -> Result<Self, String> {
        let is_somebody_there = || io::stdin().is_terminal() && io::stderr().is_terminal();
        match (options.dry_run, options.yes) {
            (true, true) => Err("`--dry-run` changes nothing, and `--yes` lets it: give one of them".into()),
            (true, false) => Ok(Self::DryRun),
            (false, true) => Ok(Self::Given),
            (false, false) if options.format == Format::Human && is_somebody_there() => Ok(Self::Ask),
            (false, false) => Err(format!(
                "`{verb}` asks on a terminal before it changes anything, and here is nobody to ask: \
                 `--yes` says that you want it, `--dry-run` shows what it would do"
            )),
        }
    }
}

/// Asks on standard error, and waits for an answer; whatever is not a yes is a no.
pub(super) async fn ask(question: String) -> bool {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush())?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    });
    answer.await.ok().and_then(Result::ok).is_some_and(|line| is_yes(&line))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", "Y", " yes \r\n", "YES\n"].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "no", "yess", "ye"].into_iter().any(is_yes));
    }

    #[test]
    fn the_options_say_how_far_it_goes() {
        let of = |dry_run, yes| Consent::of(&Options { dry_run, yes, ..Options::default() }, "repair");
        assert_eq!(of(true, false), Ok(Consent::DryRun));
        assert_eq!(of(false, true), Ok(Consent::Given));
        assert!(of(true, true).unwrap_err().contains("give one of them"));
        let json = Options { format: Format::Json, ..Options::default() };
        assert!(Consent::of(&json, "repair").unwrap_err().contains("`--yes`"), "a program is not asked");
    }
}
