//! What the parameters of a connection mean.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, Config, SslMode, SslNegotiation};

use super::hosts::{Endpoint, Host, endpoints};
use super::parameters::Parameters;
use super::passfile::Passfile;
use super::tls::TlsSettings;
use super::url;
use crate::error::DatabaseError;

/// How long a server may take to let a client in, where nobody says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the server's own views show for these connections, where nobody says.
const APPLICATION_NAME: &str = "sharded-migrations";

/// All that has to be known to connect.
pub(super) struct Settings {
    pub(super) endpoints: Vec<Endpoint>,
    /// Whether servers and addresses are tried in no fixed order (`load_balance_hosts`).
    pub(super) shuffles: bool,
    pub(super) attributes: SessionAttributes,
    /// How long each address of each server may take; None is for ever.
    pub(super) patience: Option<Duration>,
    pub(super) tls: TlsSettings,
    /// What is the same for all servers.
    common: Config,
    passfile: Option<Passfile>,
}

/// What a session must be able to do (`target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionAttributes {
    /// Nothing special.
    Any,
    /// It is not on a standby, and its transactions may write unless they say otherwise.
    ReadWrite,
    /// It is not on a standby.
    Primary,
}

impl Settings {
    /// Reads a URL, with the environment for what it does not say. A limit counts more than both.
    pub(super) fn read(
        url: &str,
        limit: Option<Duration>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, DatabaseError> {
        let mut parameters = url::parse(url)?;
        parameters.fill_in(&variable)?;
        let endpoints = endpoints(&parameters)?;
        let tls = TlsSettings::read(&parameters, &variable)?;
        let mut common = Config::new();
        let user = match parameters.text("user") {
            Some(user) => user.to_owned(),
            None => whoami::username().map_err(|_| {
                DatabaseError::new(
                    "the URL names no user, and the system does not tell whose process this is",
                )
                .help("write `postgres://user@host/database`, or set PGUSER")
            })?,
        };
        common.dbname(parameters.text("dbname").unwrap_or(&user)).user(user);
        // Only what somebody asked for: a pooler refuses what it does not know.
        if let Some(options) = parameters.text("options") {
            common.options(options);
        }
        let names = ["application_name", "fallback_application_name"];
        let name = names.into_iter().find_map(|name| parameters.text(name));
        common.application_name(name.unwrap_or(APPLICATION_NAME));
        common.channel_binding(channel_binding(&parameters)?);
        common.ssl_negotiation(tls.negotiation);
        keepalives(&parameters, &mut common)?;
        let patience = patience(&parameters, limit)?;
        if let Some(patience) = patience {
            common.connect_timeout(patience);
        }
        let mut passfile = None;
        match parameters.text("password") {
            Some(password) => drop(common.password(password)),
            None => {
                let named = parameters.text("passfile").map(PathBuf::from);
                let is_named = named.is_some();
                let path = named.or_else(|| user_file(&variable, ".pgpass", "postgresql/pgpass.conf"));
                passfile = path.and_then(|path| Passfile::read(path, is_named));
            }
        }
        Ok(Self {
            endpoints,
            shuffles: shuffles(&parameters)?,
            attributes: session_attributes(&parameters)?,
            patience,
            tls,
            common,
            passfile,
        })
    }

    /// The configuration for one server, and what to say of its password when the server does not
    /// take it.
    pub(super) fn config(&self, endpoint: &Endpoint) -> (Config, Option<String>) {
        let mut config = self.common.clone();
        config.port(endpoint.port);
        match &endpoint.host {
            Host::Name(name) => drop(config.host(name)),
            #[cfg(unix)]
            Host::Socket(folder) => drop(config.host_path(folder)),
            #[cfg(not(unix))]
            Host::Socket(folder) => drop(config.host(folder.display().to_string())),
        }
        // A socket leads nowhere but into this machine, and servers speak no TLS over it.
        config.ssl_mode(SslMode::Disable);
        let found = self.passfile.as_ref().map(|passfile| {
            let [database, user] = [config.get_dbname(), config.get_user()].map(Option::unwrap_or_default);
            passfile.find(endpoint, database, user)
        });
        let Some(found) = found else {
            return (config, None);
        };
        if let Some(password) = found.password {
            config.password(password);
        }
        (config, Some(found.note))
    }
}

/// A file of the user's, where libpq looks for it: below the home folder, or on Windows below the
/// folder of application data.
pub(super) fn user_file(
    variable: impl Fn(&str) -> Option<String>,
    unix: &str,
    windows: &str,
) -> Option<PathBuf> {
    let (folder, name) = if cfg!(windows) { ("APPDATA", windows) } else { ("HOME", unix) };
    let folder = variable(folder).filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).join(name))
}

fn channel_binding(parameters: &Parameters) -> Result<ChannelBinding, DatabaseError> {
    let Some(parameter) = parameters.get("channel_binding") else {
        return Ok(ChannelBinding::Prefer);
    };
    match parameter.value() {
        "disable" => Ok(ChannelBinding::Disable),
        "prefer" => Ok(ChannelBinding::Prefer),
        "require" => Ok(ChannelBinding::Require),
        _ => Err(parameter.invalid("`disable`, `prefer` or `require`")),
    }
}

fn session_attributes(parameters: &Parameters) -> Result<SessionAttributes, DatabaseError> {
    let Some(parameter) = parameters.get("target_session_attrs") else {
        return Ok(SessionAttributes::Any);
    };
    match parameter.value() {
        "any" => Ok(SessionAttributes::Any),
        "read-write" => Ok(SessionAttributes::ReadWrite),
        "primary" => Ok(SessionAttributes::Primary),
        "read-only" | "standby" | "prefer-standby" => {
            Err(DatabaseError::new(format!("{parameter} asks for a server that takes no writes"))
                .help("migrations write: use `primary` or `read-write`; `migrate_url` in databases.toml is for them alone"))
        }
        _ => Err(parameter.invalid("`any`, `primary` or `read-write`")),
    }
}

fn shuffles(parameters: &Parameters) -> Result<bool, DatabaseError> {
    let Some(parameter) = parameters.get("load_balance_hosts") else {
        return Ok(false);
    };
    match parameter.value() {
        "disable" => Ok(false),
        "random" => Ok(true),
        _ => Err(parameter.invalid("`disable` or `random`")),
    }
}

/// As libpq has it, zero and less are for ever.
fn patience(parameters: &Parameters, limit: Option<Duration>) -> Result<Option<Duration>, DatabaseError> {
    let said = number(parameters, "connect_timeout", "seconds")?;
    let said = said.map(|seconds| positive(seconds).map_or(Duration::ZERO, Duration::from_secs));
    Ok(Some(limit.or(said).unwrap_or(CONNECT_TIMEOUT)).filter(|patience| !patience.is_zero()))
}

/// Zero and less stand for the system's own values.
fn keepalives(parameters: &Parameters, config: &mut Config) -> Result<(), DatabaseError> {
    if let Some(on) = number(parameters, "keepalives", "0 or 1")? {
        config.keepalives(on != 0);
    }
    let wanted = |name, unit| Ok(number(parameters, name, unit)?.and_then(positive));
    if let Some(seconds) = wanted("keepalives_idle", "seconds")? {
        config.keepalives_idle(Duration::from_secs(seconds));
    }
    if let Some(seconds) = wanted("keepalives_interval", "seconds")? {
        config.keepalives_interval(Duration::from_secs(seconds));
    }
    if let Some(count) = wanted("keepalives_count", "a number")? {
        config.keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX));
    }
    if let Some(milliseconds) = wanted("tcp_user_timeout", "milliseconds")? {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    // Encryption by Kerberos is never used: who insists on it has to be told.
    match parameters.get("gssencmode") {
        Some(parameter) if !matches!(parameter.value(), "disable" | "prefer") => {
            Err(parameter.invalid("`disable` or `prefer`, as there is no encryption by GSSAPI"))
        }
        _ => Ok(()),
    }
}

fn number(parameters: &Parameters, name: &str, unit: &str) -> Result<Option<i32>, DatabaseError> {
    let Some(parameter) = parameters.get(name) else {
        return Ok(None);
    };
    parameter.value().trim().parse().map(Some).map_err(|_| parameter.invalid(unit))
}

fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// How TLS is begun: by a question in PostgreSQL's protocol, or at once.
pub(super) fn negotiation(parameters: &Parameters) -> Result<SslNegotiation, DatabaseError> {
    let Some(parameter) = parameters.get("sslnegotiation") else {
        return Ok(SslNegotiation::Postgres);
    };
    match parameter.value() {
        "postgres" => Ok(SslNegotiation::Postgres),
        "direct" => Ok(SslNegotiation::Direct),
        _ => Err(parameter.invalid("`postgres` or `direct`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Settings, DatabaseError> {
        Settings::read(url, None, |_| None)
    }

    fn message(url: &str) -> String {
        let error = read(url).map(drop).expect_err(url);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        error.message
    }

    #[test]
    fn what_the_url_says_counts() {
        let settings =
            read("postgres://u@h/db?connect_timeout=3&application_name=x&options=-c%20a%3Db").unwrap();
        assert_eq!(settings.patience, Some(Duration::from_secs(3)));
        let (config, _) = settings.config(&settings.endpoints[0]);
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.get_application_name(), Some("x"));
        assert_eq!(config.get_options(), Some("-c a=b"));
        assert_eq!(config.get_dbname(), Some("db"));
    }

    #[test]
    fn what_nobody_says_has_a_default_and_no_options() {
        let settings = read("postgres://u@h").unwrap();
        let (config, _) = settings.config(&settings.endpoints[0]);
        assert_eq!(settings.patience, Some(CONNECT_TIMEOUT));
        assert_eq!(config.get_application_name(), Some("sharded-migrations"));
        assert_eq!(config.get_dbname(), Some("u"), "the user's name, as for libpq");
        assert_eq!(config.get_options(), None);
        assert_eq!(settings.attributes, SessionAttributes::Any);
        assert_eq!(read("postgres://u@h?connect_timeout=0").unwrap().patience, None);
    }

    #[test]
    fn a_limit_of_the_run_counts_more_than_the_url() {
        let patience = |limit| {
            Settings::read("postgres://u@h?connect_timeout=3", Some(limit), |_| None).unwrap().patience
        };
        let second = Duration::from_secs(1);
        assert_eq!([patience(second), patience(Duration::ZERO)], [Some(second), None]);
    }

    #[test]
    fn the_environment_fills_in() {
        let variable = |name: &str| {
            let value = match name {
                "PGHOST" => "db01",
                "PGPORT" => "6432",
                "PGUSER" => "app",
                "PGPASSWORD" => "secret",
                "PGDATABASE" => "users",
                "PGAPPNAME" => "deploy",
                "PGCONNECT_TIMEOUT" => "7",
                "PGTARGETSESSIONATTRS" => "primary",
                "PGCHANNELBINDING" => "require",
                "PGOPTIONS" => "-c work_mem=1MB",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let settings = Settings::read("postgres://", None, variable).unwrap();
        let (config, _) = settings.config(&settings.endpoints[0]);
        assert_eq!(settings.endpoints[0].to_string(), "db01:6432");
        assert_eq!((config.get_user(), config.get_dbname()), (Some("app"), Some("users")));
        assert_eq!(config.get_password(), Some(b"secret".as_slice()));
        assert_eq!(config.get_application_name(), Some("deploy"));
        assert_eq!(config.get_options(), Some("-c work_mem=1MB"));
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(settings.attributes, SessionAttributes::Primary);
        assert_eq!(settings.patience, Some(Duration::from_secs(7)));
        let settings =
            Settings::read("postgres://me:mine@db02:1/d?application_name=x", None, variable).unwrap();
        let (config, _) = settings.config(&settings.endpoints[0]);
        assert_eq!(settings.endpoints[0].to_string(), "db02:1");
        assert_eq!((config.get_user(), config.get_dbname()), (Some("me"), Some("d")));
        assert_eq!(config.get_password(), Some(b"mine".as_slice()));
        assert_eq!(config.get_application_name(), Some("x"));
    }

    #[test]
    fn a_value_that_is_not_understood_is_an_error_without_the_value() {
        for name in [
            "connect_timeout",
            "target_session_attrs",
            "load_balance_hosts",
            "channel_binding",
            "sslmode",
            "sslnegotiation",
            "keepalives",
            "tcp_user_timeout",
            "gssencmode",
        ] {
            let message = message(&format!("postgres://u@h/d?{name}=hunter2"));
            assert_eq!(message, format!("`{name}` in the URL has a value that is not understood"));
        }
    }

    #[test]
    fn a_standby_is_nothing_for_migrations() {
        for value in ["read-only", "standby", "prefer-standby"] {
            let message = message(&format!("postgres://a,b/d?target_session_attrs={value}"));
            assert_eq!(message, "`target_session_attrs` in the URL asks for a server that takes no writes");
        }
    }
}
