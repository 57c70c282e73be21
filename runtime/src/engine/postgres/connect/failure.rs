//! Why a connection was not made, in a sentence each, with what to do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::hosts::{Endpoint, Host};
use super::probe::Foreign;
use super::tls::Mode;
use crate::engine::postgres::failure::{chain, from_server};
use crate::error::DatabaseError;

/// Why one server let nobody in.
pub(super) struct Failure {
    pub(super) error: DatabaseError,
    /// Whether no other server of the URL is tried: as for libpq, a server that answers no speaks for all
    /// of them, and one that cannot be reached, or is not the right one, does not.
    pub(super) ends_search: bool,
    /// Whether it may be that something else than PostgreSQL answers there.
    pub(super) may_be_foreign: bool,
}

/// What is known of a server when something goes wrong with it.
pub(super) struct Server<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) mode: Mode,
    /// In words, who signs certificates; empty where nobody looks.
    pub(super) trust: &'a str,
    pub(super) has_client_certificate: bool,
    /// Where the password is from, or why there is none.
    pub(super) password_note: Option<String>,
}

/// The error for a URL of one server, or of several.
pub(super) fn of_all(mut failures: Vec<DatabaseError>, servers: usize) -> DatabaseError {
    if failures.len() == 1
        && let Some(only) = failures.pop()
    {
        return only;
    }
    let tried = if failures.len() == servers {
        String::new()
    } else {
        format!("; {} were tried, and the last of them speaks for all", failures.len())
    };
    let mut all = DatabaseError::new(format!("none of the {servers} servers in the URL can be used{tried}"));
    for failure in failures {
        all.notes.push(failure.to_string());
        // Of the last one, which is the one that ended it.
        all.sqlstate = failure.sqlstate;
        all.help = failure.help;
    }
    all
}

impl Failure {
    fn go_on(error: DatabaseError) -> Self {
        Self { error, ends_search: false, may_be_foreign: false }
    }

    fn end(error: DatabaseError) -> Self {
        Self { error, ends_search: true, may_be_foreign: false }
    }

    fn or_foreign(self) -> Self {
        Self { may_be_foreign: true, ..self }
    }

    /// The error when something else than PostgreSQL answers.
    pub(super) fn foreign(self, endpoint: &Endpoint, foreign: Foreign) -> Self {
        let what = match foreign {
            Foreign::Http => "it talks HTTP",
            Foreign::Tls => "it wants TLS before anything else",
            Foreign::Other => "its answer is not of PostgreSQL's protocol",
        };
        let message = format!("the server {endpoint} is not PostgreSQL: {what}");
        let help = match foreign {
            Foreign::Tls => {
                "correct host and port in the URL; a proxy that begins with TLS needs `sslnegotiation=direct` and `sslmode=require`"
            }
            Foreign::Http | Foreign::Other => "correct host and port in the URL",
        };
        Self::go_on(DatabaseError::new(message).help(help))
    }
}

impl Server<'_> {
    fn name(&self) -> String {
        format!("the server {}", self.endpoint)
    }

    /// It took the connection and then said nothing, or did not even take it.
    pub(super) fn silent(&self, patience: Duration) -> Failure {
        let message = format!("{} did not answer within {patience:?}", self.name());
        Failure::go_on(
            DatabaseError::new(message)
                .help("is the server up and not overloaded? `--connect-timeout`, or `connect_timeout` in the URL, gives it longer"),
        )
        .or_foreign()
    }

    pub(super) fn unknown_name(&self, error: &io::Error) -> Failure {
        let message = format!("{} cannot be reached: its name is not known: {error}", self.name());
        Failure::go_on(DatabaseError::new(message).help("are host and port in the URL right?"))
    }

    pub(super) fn no_address(&self) -> Failure {
        let message = format!("{} cannot be reached: its name has no address", self.name());
        Failure::go_on(DatabaseError::new(message).help("are host and port in the URL right?"))
    }

    /// It is not what `target_session_attrs` asks for.
    pub(super) fn unfit(&self, is_standby: bool) -> Failure {
        let what = if is_standby { "is a standby" } else { "takes no writes" };
        let message = format!("{} {what}, and `target_session_attrs` asks for another", self.name());
        Failure::go_on(
            DatabaseError::new(message)
                .help("name the primary in the URL as well, the standbys may stay in it"),
        )
    }

    /// Any error of connecting.
    pub(super) fn describe(&self, error: &Error) -> Failure {
        if let Some(said) = error.as_db_error() {
            return self.refused(said);
        }
        if let Some(rustls) = find::<io::Error>(error).and_then(in_io) {
            return self.handshake(rustls);
        }
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let name = self.name();
        match (error.to_string().as_str(), cause.as_str()) {
            (_, "server does not support TLS") => Failure::end(
                DatabaseError::new(format!("{name} speaks no TLS, and `sslmode={}` insists on it", self.mode.name()))
                    .help("switch it on there (`ssl = on`); no connection is made in the clear instead"),
            )
            .or_foreign(),
            ("error performing TLS handshake", _) => Failure::end(
                DatabaseError::new(format!("the TLS handshake with {name} failed: {cause}"))
                    .help("does something between here and the server not let TLS through? its log may tell more; a server before PostgreSQL 17 takes no `sslnegotiation=direct`"),
            )
            .or_foreign(),
            ("invalid configuration", "password missing") => Failure::end(self.with_note(
                DatabaseError::new(format!("{name} asks for a password, and there is none")).help(
                    "put it into the URL, PGPASSWORD or a password file (`~/.pgpass`, or what PGPASSFILE names)",
                ),
            )),
            ("authentication error", "server did not use channel binding") => Failure::end(
                DatabaseError::new(format!(
                    "{name} does not bind the password to the TLS connection, and `channel_binding=require` insists on it"
                ))
                .help("it takes TLS, a password kept as `scram-sha-256`, and a certificate signed with RSA or ECDSA and SHA-256, -384 or -512"),
            ),
            ("authentication error", _) => Failure::end(self.with_note(
                DatabaseError::new(format!("{name} did not let the user in: {cause}"))
                    .help("check the user and the password in the URL, and the server's pg_hba.conf"),
            )),
            _ if find::<io::Error>(error).is_some_and(is_unreachable) => self.unreachable(error),
            _ => Failure::go_on(
                DatabaseError::new(format!("{name} closed the connection before it let anybody in: {}", chain(error)))
                    .help("its log may tell why; are host and port in the URL right?"),
            )
            .or_foreign(),
        }
    }

    fn unreachable(&self, error: &Error) -> Failure {
        let message = format!("{} cannot be reached: {}", self.name(), chain(error));
        let help = match self.endpoint.host {
            Host::Name(_) => "is the server up, and are host and port in the URL right?",
            Host::Socket(_) => {
                "is the server up, and is this the folder of its socket (`unix_socket_directories`)?"
            }
        };
        Failure::go_on(DatabaseError::new(message).help(help))
    }

    /// The server says no in words of its own.
    fn refused(&self, said: &DbError) -> Failure {
        let mut error = from_server(said);
        error.message = format!("{} refused the connection: {}", self.name(), error.message);
        error.help = Some(self.advice(said).to_owned());
        let is_about_password = *said.code() == SqlState::INVALID_PASSWORD;
        let error = if is_about_password { self.with_note(error) } else { error };
        // It is not up yet, or not for long: another one may be.
        let ends_search = *said.code() != SqlState::CANNOT_CONNECT_NOW;
        Failure { error, ends_search, may_be_foreign: false }
    }

    fn advice(&self, said: &DbError) -> &'static str {
        let mentions = |word: &str| said.message().contains(word);
        let code = said.code();
        if *code == SqlState::INVALID_PASSWORD && self.has_client_certificate {
            // The server's log knows which; to the client it says the same of both.
            "check the user and the password in the URL, and that the common name of the client's certificate (`sslcert`) is the user's"
        } else if *code == SqlState::INVALID_PASSWORD {
            "check the user and the password in the URL"
        } else if mentions("valid client certificate") && !self.has_client_certificate {
            "let `sslcert` and `sslkey` name a certificate for the user and its key"
        } else if mentions("certificate authentication failed") {
            "the common name of the client's certificate (`sslcert`) has to be the user's, or be mapped to it"
        } else if mentions("pg_hba.conf") && (mentions("no encryption") || mentions("SSL off")) {
            "check user and database in the URL; if the server wants TLS here, use `sslmode=require`; else let pg_hba.conf there allow it"
        } else if mentions("pg_hba.conf") && (mentions("SSL encryption") || mentions("SSL on")) {
            "check user and database in the URL; if the server wants no TLS here, use `sslmode=disable`; else let pg_hba.conf there allow it"
        } else if code.code().starts_with("28") {
            "check the user in the URL, and the server's pg_hba.conf"
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            "create the database first, or correct its name in the URL"
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            "migrate fewer databases at a time (`--jobs`), or raise `max_connections`"
        } else if *code == SqlState::CANNOT_CONNECT_NOW {
            "wait until the server is up, and run it again"
        } else if mentions("startup parameter") {
            "a pooler takes no `options`: leave them out of the URL and PGOPTIONS, or lead past it with `migrate_url`"
        } else if mentions("SSL required") || mentions("TLS required") {
            "use `sslmode=require`"
        } else {
            "check the URL, and the server's log"
        }
    }

    fn with_note(&self, mut error: DatabaseError) -> DatabaseError {
        error.notes.extend(self.password_note.clone());
        error
    }

    /// TLS itself failed. Nothing is tried without it, and no other server.
    fn handshake(&self, error: &rustls::Error) -> Failure {
        let name = self.name();
        let (message, help) = match error {
            rustls::Error::InvalidCertificate(fault) => self.certificate(fault),
            rustls::Error::AlertReceived(alert) if is_about_client(*alert) => {
                let shown = if self.has_client_certificate { "the client's certificate" } else { "a client without a certificate" };
                (
                    format!("{name} does not take {shown}: {error}"),
                    "let `sslcert` and `sslkey` name a certificate that its CA (`ssl_ca_file` there) signed, and that is not expired".to_owned(),
                )
            }
            _ => (
                format!("the TLS handshake with {name} failed: {error}"),
                "it has to offer TLS 1.2 or 1.3, and a certificate with an RSA key of 2048 bits or more, or an ECDSA one on P-256 or P-384, or Ed25519".to_owned(),
            ),
        };
        let failure = Failure::end(DatabaseError::new(message).help(help));
        match error {
            rustls::Error::InvalidMessage(_) => failure.or_foreign(),
            _ => failure,
        }
    }

    fn certificate(&self, fault: &CertificateError) -> (String, String) {
        let Self { trust, endpoint, .. } = self;
        let name = self.name();
        match fault {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                format!("the certificate of {name} is not signed by {trust}"),
                "let `sslrootcert` name the certificate of the CA that signed it; if it never was another one, somebody may stand in between".to_owned(),
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let names = match fault {
                    CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                        format!("; it is for {}", presented.join(", "))
                    }
                    _ => String::new(),
                };
                (
                    format!("the certificate of {name} is not for the name {}{names}", endpoint.name()),
                    "let the URL name the host as the certificate does (with `hostaddr` for its address), or use `sslmode=verify-ca`, which does not look at names".to_owned(),
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                format!("the certificate of {name} is expired"),
                "give the server a new one; is the clock of this machine right?".to_owned(),
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                format!("the certificate of {name} is not valid yet"),
                "is the clock of this machine right?".to_owned(),
            ),
            other => (
                format!("the certificate of {name} cannot be accepted: {other}"),
                "give the server another one: version 3, for servers, signed with SHA-256 or better".to_owned(),
            ),
        }
    }
}

/// What a server sends when it is the client's certificate that it does not take.
fn is_about_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::AccessDenied
    )
}

fn is_unreachable(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Other
    )
}

/// The first cause of a kind.
fn find<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

/// rustls's error inside one of I/O.
fn in_io(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
