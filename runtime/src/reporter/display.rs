//! How a run is shown while it goes on: a pure choice from what the process was started in and what it
//! was told.

use std::io::{self, IsTerminal};

use super::Verbosity;

/// How wide a line of names may become where nothing says how wide it can be.
const COLUMNS: usize = 100;

/// Whether progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// In the way that suits the place.
    Auto,
    /// No.
    Never,
}

/// What a process was started in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whether standard error is a terminal whose cursor can be moved.
    pub(crate) has_screen: bool,
    /// Whether a service for continuous integration runs it, and keeps what it prints.
    pub(crate) is_ci: bool,
    /// How many columns standard output has, where it is a terminal.
    pub(crate) columns: Option<usize>,
    /// How many standard error has, where it is one.
    pub(crate) aside_columns: Option<usize>,
}

/// What is shown of a run while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Nothing but what goes wrong.
    Nothing,
    /// A line for each database that is done.
    Lines,
    /// A bar for the whole run, and a few lines for what is in flight.
    Bar,
    /// A line for each thing that happens.
    Details,
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Display {
    pub(crate) verbosity: Verbosity,
    pub(crate) meanwhile: Meanwhile,
    /// How wide a line of names may become.
    pub(crate) columns: usize,
    /// How wide the lines of a reason may become, where somebody reads them on a terminal.
    pub(crate) aside_columns: Option<usize>,
}

impl Place {
    /// What this process was started in.
    pub(crate) fn of_process() -> Self {
        let columns_of = |term: console::Term| term.size_checked().map(|(_, columns)| usize::from(columns));
        Self {
            has_screen: io::stderr().is_terminal() && !console::is_dumb(),
            is_ci: std::env::var("CI").is_ok_and(|ci| is_yes(&ci)),
            columns: columns_of(console::Term::stdout()),
            aside_columns: columns_of(console::Term::stderr()),
        }
    }
}

/// `CI` is set to many things; to these, where somebody wants it not to count.
fn is_yes(ci: &str) -> bool {
    !matches!(ci, "" | "0" | "false")
}

impl Display {
    pub(crate) fn choose(place: Place, verbosity: Verbosity, wish: Wish) -> Self {
        let meanwhile = match (verbosity, wish) {
            (Verbosity::Quiet, _) => Meanwhile::Nothing,
            // What scrolls by needs no bar below it.
            (Verbosity::Verbose, _) => Meanwhile::Details,
            (Verbosity::Normal, Wish::Never) => Meanwhile::Nothing,
            (Verbosity::Normal, Wish::Auto) if place.has_screen && !place.is_ci => Meanwhile::Bar,
            (Verbosity::Normal, Wish::Auto) => Meanwhile::Lines,
        };
        let columns = place.columns.unwrap_or(COLUMNS);
        Self { verbosity, meanwhile, columns, aside_columns: place.aside_columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_the_options_say_how_a_run_is_shown() {
        use Verbosity::{Normal, Quiet, Verbose};
        let screen = Place { has_screen: true, is_ci: false, columns: Some(80), aside_columns: Some(80) };
        let ci = Place { has_screen: false, is_ci: true, columns: None, aside_columns: None };
        let ci_with_screen = Place { is_ci: true, ..screen };
        let pipe = Place { is_ci: false, ..ci };
        for (place, verbosity, wish, meanwhile) in [
            (screen, Normal, Wish::Auto, Meanwhile::Bar),
            (ci, Normal, Wish::Auto, Meanwhile::Lines),
            (ci_with_screen, Normal, Wish::Auto, Meanwhile::Lines),
            (pipe, Normal, Wish::Auto, Meanwhile::Lines),
            (screen, Normal, Wish::Never, Meanwhile::Nothing),
            (ci, Normal, Wish::Never, Meanwhile::Nothing),
            (screen, Quiet, Wish::Auto, Meanwhile::Nothing),
            (pipe, Quiet, Wish::Auto, Meanwhile::Nothing),
            (screen, Verbose, Wish::Auto, Meanwhile::Details),
            (ci, Verbose, Wish::Never, Meanwhile::Details),
        ] {
            let display = Display::choose(place, verbosity, wish);
            assert_eq!(display.meanwhile, meanwhile, "{place:?} {verbosity:?} {wish:?}");
            assert_eq!(display.columns, place.columns.unwrap_or(COLUMNS));
            assert_eq!(display.aside_columns, place.aside_columns);
        }
    }

    #[test]
    fn ci_counts_unless_it_is_set_to_no() {
        assert!(is_yes("true") && is_yes("1") && is_yes("woodpecker"));
        assert!(!is_yes("") && !is_yes("0") && !is_yes("false"));
    }
}
