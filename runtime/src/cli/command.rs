//! The verbs as subcommands, made from the one list of them.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand, ValueEnum};

use super::args::{Options, Verb};

/// The same as a subcommand: `myapp migrate apply`, `myapp migrate status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrateCommand {
    /// What to do.
    pub verb: Verb,
    /// How it is done.
    pub options: Options,
}

impl Subcommand for MigrateCommand {
    fn augment_subcommands(command: Command) -> Command {
        let command = command.subcommand_required(true).arg_required_else_help(true);
        Verb::value_variants().iter().fold(command, |command, verb| command.subcommand(subcommand(*verb)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command).subcommand_required(false).arg_required_else_help(false)
    }

    fn has_subcommand(name: &str) -> bool {
        Verb::from_str(name, false).is_ok()
    }
}

impl FromArgMatches for MigrateCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let missing = || Error::raw(ErrorKind::MissingSubcommand, "what is to be done? `--help` lists it\n");
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let verb = Verb::from_str(name, false)
            .map_err(|unknown| Error::raw(ErrorKind::InvalidSubcommand, unknown + "\n"))?;
        Ok(Self { verb, options: Options::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A verb with all options; those of other verbs are not shown. The migration of `sql` is an argument by its
/// place here, which an application's own command line would have no room for.
fn subcommand(verb: Verb) -> Command {
    let word = verb.to_possible_value();
    let about = word.as_ref().and_then(|word| word.get_help().cloned());
    let mut command = Options::augment_args(Command::new(verb.name()));
    if let Some(about) = about {
        command = command.about(about);
    }
    for (id, of) in Options::own_ids() {
        command = command.mut_arg(id, |option| match (verb, of) {
            (Verb::Sql, [Verb::Sql]) => option.long(None::<&'static str>).index(1).required(true),
            _ => option.hide(!of.contains(&verb)),
        });
    }
    command
}
