//! Installs the programs that tests need.

use std::path::Path;
use std::process::{Command, Stdio};

use sharded_migrations_tests::pgbouncer::PgBouncer;
use sharded_migrations_tests::postgres::Binaries;
use sharded_migrations_tests::{browser, django};

use crate::output;

/// A package manager, and what the programs are called there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manager {
    program: &'static str,
    /// Whether only root may install. Homebrew refuses root instead.
    as_root: bool,
    /// What has to run before, such as fetching the list of packages; it may fail, as one broken
    /// source among many does not keep the others from working.
    refresh: Option<&'static [&'static str]>,
    install: &'static [&'static str],
    postgres: &'static str,
    pgbouncer: &'static str,
    browser: &'static str,
    /// Django, with a driver of PostgreSQL; nothing where it is no package of the system's.
    django: &'static [&'static str],
}

/// In the order in which they are tried.
///
/// Debian's package also makes a cluster `main` and starts it where services start on installation.
/// That is left as it is: it listens on port 5432 and keeps its data in `/var/lib`, neither of
/// which the harness ever touches, and keeping it away would mean to write into `/etc` of a
/// developer's machine.
const MANAGERS: [Manager; 3] = [
    Manager {
        program: "apt-get",
        as_root: true,
        refresh: Some(&["update", "-q"]),
        install: &["install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"],
        postgres: "postgresql",
        pgbouncer: "pgbouncer",
        browser: "chromium",
        django: &["python3-django", "python3-psycopg2"],
    },
    Manager {
        program: "dnf",
        as_root: true,
        refresh: None,
        install: &["install", "-q", "-y"],
        postgres: "postgresql-server",
        pgbouncer: "pgbouncer",
        browser: "chromium",
        django: &["python3-django", "python3-psycopg2"],
    },
    Manager {
        program: "brew",
        as_root: false,
        refresh: None,
        install: &["install", "--quiet"],
        postgres: "postgresql@17",
        pgbouncer: "pgbouncer",
        browser: "chromium",
        django: &[],
    },
];

/// How this process may become root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    /// `sudo` that asks for no password.
    Sudo,
    None,
}

/// One of the programs that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    Postgres,
    PgBouncer,
    Browser,
    Django,
}

impl Needed {
    pub(crate) const ALL: [Self; 4] = [Self::Postgres, Self::PgBouncer, Self::Browser, Self::Django];

    /// Looks for it; the error says what to do where it is not there.
    fn find(self) -> Result<(), String> {
        match self {
            Self::Postgres => Binaries::find().map(drop),
            Self::PgBouncer => PgBouncer::find().map(drop),
            Self::Browser => browser::find().map(drop),
            Self::Django => django::python().map(drop),
        }
    }

    fn packages(self, manager: &Manager) -> Vec<&'static str> {
        match self {
            Self::Postgres => vec![manager.postgres],
            Self::PgBouncer => vec![manager.pgbouncer],
            Self::Browser => vec![manager.browser],
            Self::Django => manager.django.to_vec(),
        }
    }

    fn by_hand(self) -> &'static str {
        match self {
            Self::Postgres => {
                "the PostgreSQL server (on Debian: postgresql; or set PG_BIN to its `bin` folder)"
            }
            Self::PgBouncer => "PgBouncer (on Debian: pgbouncer)",
            Self::Browser => "Chromium (on Debian: chromium; or set CHROME_BIN to the program)",
            Self::Django => {
                "Django and psycopg2 (on Debian: python3-django and python3-psycopg2; or with pip, for the python3 in \
                 the PATH)"
            }
        }
    }
}

/// Makes sure that these are there, installing those that are not.
pub(crate) fn ensure(needed: &[Needed]) -> Result<(), String> {
    if std::env::var_os("PG_BIN").is_some() {
        // Whoever sets it has a server in mind that no package would put there.
        Binaries::find()?;
    }
    let missing: Vec<Needed> = needed.iter().copied().filter(|needed| needed.find().is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let manager = MANAGERS.into_iter().find(|manager| is_in_path(manager.program));
    for (command, must_succeed) in commands(&missing, manager, rights())? {
        eprintln!("xtask: {}", command.join(" "));
        let done = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !done && must_succeed {
            return Err(format!("`{}` failed. {}", command.join(" "), by_hand(&missing)));
        }
    }
    missing.into_iter().try_for_each(Needed::find)
}

/// The commands to run, in order, each with whether all is lost when it fails.
fn commands(
    missing: &[Needed],
    manager: Option<Manager>,
    rights: Rights,
) -> Result<Vec<(Vec<String>, bool)>, String> {
    let Some(manager) = manager else {
        return Err(format!("there is no apt-get, dnf or brew here. {}", by_hand(missing)));
    };
    let prefix: &[&str] = match (manager.as_root, rights) {
        (true, Rights::Root) | (false, Rights::Sudo | Rights::None) => &[],
        (true, Rights::Sudo) => &["sudo", "-n"],
        (true, Rights::None) => {
            return Err(format!(
                "this user may not run {} without a password. {}",
                manager.program,
                by_hand(missing)
            ));
        }
        (false, Rights::Root) => {
            return Err(format!("{} refuses to run as root. {}", manager.program, by_hand(missing)));
        }
    };
    let without: Vec<Needed> =
        missing.iter().copied().filter(|needed| needed.packages(&manager).is_empty()).collect();
    if !without.is_empty() {
        return Err(format!("{} has no package of it. {}", manager.program, by_hand(&without)));
    }
    let packages: Vec<&str> = missing.iter().flat_map(|needed| needed.packages(&manager)).collect();
    // Through `env`, as sudo does not hand the environment on.
    let command = |arguments: &[&str], packages: &[&str]| -> Vec<String> {
        let environment = ["env", "DEBIAN_FRONTEND=noninteractive", manager.program];
        [prefix, &environment, arguments, packages].concat().into_iter().map(str::to_owned).collect()
    };
    let refresh = manager.refresh.map(|arguments| (command(arguments, &[]), false));
    Ok(refresh.into_iter().chain([(command(manager.install, &packages), true)]).collect())
}

fn by_hand(missing: &[Needed]) -> String {
    let names: Vec<&str> = missing.iter().map(|needed| needed.by_hand()).collect();
    format!("The tests need {}: please install it by hand", names.join(" and "))
}

fn rights() -> Rights {
    let succeeds = |program: &str, arguments: &[&str]| {
        output(Command::new(program).args(arguments).stdin(Stdio::null()))
    };
    if succeeds("id", &["-u"]).is_ok_and(|user| user.trim() == "0") {
        Rights::Root
    } else if is_in_path("sudo") && succeeds("sudo", &["-n", "true"]).is_ok() {
        Rights::Sudo
    } else {
        Rights::None
    }
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    use Needed::{Django, PgBouncer, Postgres};

    fn lines(missing: &[Needed], program: &str, rights: Rights) -> Result<Vec<String>, String> {
        let manager = MANAGERS.into_iter().find(|manager| manager.program == program);
        let commands = commands(missing, manager, rights)?;
        Ok(commands.into_iter().map(|(words, _)| words.join(" ")).collect())
    }

    #[test]
    fn root_installs_only_what_is_missing() {
        assert_eq!(
            lines(&[PgBouncer], "dnf", Rights::Root).unwrap(),
            ["env DEBIAN_FRONTEND=noninteractive dnf install -q -y pgbouncer"]
        );
    }

    #[test]
    fn apt_fetches_its_lists_first_and_may_fail_at_it() {
        let commands = commands(&[Postgres, PgBouncer], Some(MANAGERS[0]), Rights::Sudo).unwrap();
        let begins = "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get";
        assert_eq!(commands.len(), 2);
        assert_eq!(commands[0].0.join(" "), format!("{begins} update -q"));
        assert!(!commands[0].1);
        let install = commands[1].0.join(" ");
        assert!(install.starts_with(begins) && install.ends_with(" postgresql pgbouncer"), "{install}");
        assert!(commands[1].1);
    }

    #[test]
    fn what_is_no_package_is_left_to_whoever_runs_the_tests() {
        let install = &lines(&[Django], "dnf", Rights::Root).unwrap()[0];
        assert!(install.ends_with(" python3-django python3-psycopg2"), "{install}");
        let message = lines(&[Postgres, Django], "brew", Rights::None).unwrap_err();
        assert!(message.starts_with("brew has no package of it. The tests need Django"), "{message}");
        assert!(!message.contains("PostgreSQL server"), "{message}");
    }

    #[test]
    fn homebrew_needs_no_root_and_refuses_it() {
        assert!(
            lines(&[Postgres], "brew", Rights::None).unwrap()[0].ends_with("install --quiet postgresql@17")
        );
        assert!(lines(&[Postgres], "brew", Rights::Root).unwrap_err().contains("as root"));
    }

    #[test]
    fn who_may_not_install_is_told_what_is_missing() {
        let message = lines(&[Postgres], "apt-get", Rights::None).unwrap_err();
        assert!(message.contains("may not run apt-get") && message.contains("PG_BIN"), "{message}");
        let message = lines(&[PgBouncer], "no manager", Rights::Root).unwrap_err();
        assert!(message.contains("no apt-get, dnf or brew"), "{message}");
        assert!(message.contains("PgBouncer") && !message.contains("PG_BIN"), "{message}");
    }
}
