//! The parameters of a connection by libpq's names, and where each of them comes from: the URL, else
//! the environment.

use std::collections::BTreeMap;
use std::fmt;

use sharded_migrations_core::suggest;

use crate::error::DatabaseError;

/// Every parameter that is understood, and the variable that stands for it where the URL is silent.
const KNOWN: &[(&str, Option<&str>)] = &[
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("dbname", Some("PGDATABASE")),
    ("options", Some("PGOPTIONS")),
    ("application_name", Some("PGAPPNAME")),
    ("fallback_application_name", None),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("gssencmode", None),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_count", None),
    ("tcp_user_timeout", None),
];

/// Variables of libpq by which somebody asks for more safety than there is here. Who set one must not
/// get less than they believe.
const DEMANDS: [&str; 6] =
    ["PGSSLCRL", "PGSSLCRLDIR", "PGREQUIREPEER", "PGREQUIREAUTH", "PGREQUIRESSL", "PGGSSENCMODE"];

/// Where a parameter was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Url,
    Variable(&'static str),
}

/// One parameter's value. It may be a password: what is printed of it is its name.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    name: &'static str,
    source: Source,
    value: String,
}

impl Parameter {
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// An error about the value, which is not repeated.
    pub(super) fn invalid(&self, valid: &str) -> DatabaseError {
        DatabaseError::new(format!("{self} has a value that is not understood"))
            .help(format!("it takes {valid}"))
    }
}

/// `` `sslmode` in the URL ``, or `PGSSLMODE in the environment`.
impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Url => write!(f, "`{}` in the URL", self.name),
            Source::Variable(variable) => write!(f, "{variable} in the environment"),
        }
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The parameters of one connection. An empty value counts as none, as it does for libpq.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<&'static str, Parameter>);

impl Parameters {
    /// Adds what the URL says; what it says twice, the last time counts.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<(), Unknown> {
        let Some((name, _)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return Err(Unknown);
        };
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name, Parameter { name, source: Source::Url, value });
        }
        Ok(())
    }

    /// Fills in from the environment what the URL does not say.
    pub(super) fn fill_in(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), DatabaseError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // An address of the environment is not the one of the URL's host, nor the other way round.
        let names_host = self.0.contains_key("host") || self.0.contains_key("hostaddr");
        for (name, variable) in KNOWN {
            let Some(variable) = *variable else { continue };
            if self.0.contains_key(name) || (names_host && matches!(*name, "host" | "hostaddr")) {
                continue;
            }
            if let Some(value) = set(variable) {
                self.0.insert(name, Parameter { name, source: Source::Variable(variable), value });
            }
        }
        // What they ask of GSSAPI is met by not using it.
        let is_met = |name: &str, value: &str| match name {
            "PGGSSENCMODE" => value != "require",
            "PGREQUIRESSL" => value == "0",
            _ => false,
        };
        match DEMANDS.iter().find(|name| set(name).is_some_and(|value| !is_met(name, &value))) {
            None => Ok(()),
            Some(name) => Err(DatabaseError::new(format!(
                "{name} in the environment asks for something that is not supported"
            ))
            .help(format!("unset {name}; no connection is made that is less safe than it asks for"))),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Parameter> {
        debug_assert!(KNOWN.iter().any(|(known, _)| *known == name), "{name}");
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(Parameter::value)
    }
}

/// A name that is no parameter's.
#[derive(Debug)]
pub(super) struct Unknown;

impl Unknown {
    /// The error, for a name that is safe to show.
    pub(super) fn describe(name: &str) -> DatabaseError {
        let known = KNOWN.iter().map(|(known, _)| *known);
        let near =
            suggest::nearest(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        DatabaseError::new(format!("the URL has a parameter `{name}`, which is not supported"))
            .help(format!("{near}the README lists the parameters there are; leave this one out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], url: &[(&str, &str)]) -> Result<Parameters, DatabaseError> {
        let mut parameters = Parameters::default();
        for (name, value) in url {
            parameters.set(name, (*value).to_owned()).expect(name);
        }
        let variable = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned());
        parameters.fill_in(variable)?;
        Ok(parameters)
    }

    #[test]
    fn the_url_wins_over_the_environment() {
        let environment = [("PGUSER", "env"), ("PGPORT", "1"), ("PGSSLMODE", "")];
        let parameters = with(&environment, &[("user", "url"), ("port", "")]).unwrap();
        assert_eq!(parameters.text("user"), Some("url"));
        assert_eq!(parameters.text("port"), Some("1"), "an empty value says nothing");
        assert_eq!(parameters.text("sslmode"), None);
    }

    #[test]
    fn the_host_of_the_url_has_no_address_of_the_environment() {
        let environment = [("PGHOST", "a"), ("PGHOSTADDR", "192.0.2.1")];
        let parameters = with(&environment, &[("host", "b")]).unwrap();
        assert_eq!((parameters.text("host"), parameters.text("hostaddr")), (Some("b"), None));
        let parameters = with(&environment, &[]).unwrap();
        assert_eq!((parameters.text("host"), parameters.text("hostaddr")), (Some("a"), Some("192.0.2.1")));
    }

    #[test]
    fn a_demand_that_cannot_be_met_is_an_error() {
        let error = with(&[("PGSSLCRL", "/x.crl")], &[]).unwrap_err();
        assert!(error.message.starts_with("PGSSLCRL in the environment"), "{error}");
        with(&[("PGGSSENCMODE", "prefer"), ("PGREQUIRESSL", "0")], &[]).unwrap();
        with(&[("PGREQUIRESSL", "1")], &[]).unwrap_err();
    }
}
