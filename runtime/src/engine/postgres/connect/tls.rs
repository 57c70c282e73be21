//! TLS by libpq's parameters (its chapter "SSL Support").
//!
//! It is stricter than libpq in one point: `prefer` and `allow` go on without TLS only where the server
//! itself says that it has none, or wants none. A handshake that fails is an error, because somebody in
//! the middle can make it fail.

mod files;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::parameters::Parameters;
use super::settings::{negotiation, user_file};
use crate::error::DatabaseError;
use files::{ClientIdentity, Roots};
use verify::{Check, Verifier};

/// The protocol's name in a handshake that begins at once.
const ALPN: &[u8] = b"postgresql";

/// Whether TLS is used, and what of the server's certificate is checked (`sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Never.
    Disable,
    /// Only where the server refuses a connection without.
    Allow,
    /// Where the server has it.
    Prefer,
    /// Always. As with the modes above, the certificate is checked only if there are roots to check it
    /// against.
    Require,
    /// Always, with a certificate that one of the roots signed.
    VerifyCa,
    /// The same, and it is the certificate of this host.
    VerifyFull,
}

/// What the parameters say about TLS.
#[derive(Debug)]
pub(super) struct TlsSettings {
    pub(super) mode: Mode,
    pub(super) negotiation: SslNegotiation,
    roots: RootsAt,
    /// Where the certificate and the key of the client are. The certificate need not be there unless
    /// somebody named it.
    certificate: Option<PathBuf>,
    is_certificate_named: bool,
    key: Option<PathBuf>,
}

/// Where trust comes from (`sslrootcert`).
#[derive(Debug, Clone, PartialEq, Eq)]
enum RootsAt {
    /// From what the system trusts.
    System,
    /// From a file that somebody named.
    Named(PathBuf),
    /// From the user's file, if there is one.
    User(PathBuf),
    /// There is not even a place for one.
    Nowhere,
}

/// What a connection needs to begin TLS, and an error to explain it.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) connector: MakeRustlsConnect,
    /// In words, what the server's certificate has to be signed by.
    pub(super) trust: String,
    pub(super) has_client_certificate: bool,
}

impl TlsSettings {
    pub(super) fn read(
        parameters: &Parameters,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, DatabaseError> {
        let named = |name| parameters.text(name).map(PathBuf::from);
        let user =
            |name: &str| user_file(&variable, &format!(".postgresql/{name}"), &format!("postgresql/{name}"));
        let roots = match (parameters.text("sslrootcert"), user("root.crt")) {
            (Some("system"), _) => RootsAt::System,
            (Some(path), _) => RootsAt::Named(path.into()),
            (None, Some(path)) => RootsAt::User(path),
            (None, None) => RootsAt::Nowhere,
        };
        let mode = mode(parameters, &roots)?;
        let negotiation = negotiation(parameters)?;
        if negotiation == SslNegotiation::Direct && mode < Mode::Require {
            return Err(DatabaseError::new(
                "`sslnegotiation=direct` needs TLS, and `sslmode` does not insist on it",
            )
            .help("add `sslmode=require` or stricter"));
        }
        let (certificate, key) = (named("sslcert"), named("sslkey"));
        Ok(Self {
            mode,
            negotiation,
            roots,
            is_certificate_named: certificate.is_some(),
            certificate: certificate.or_else(|| user("postgresql.crt")),
            key: key.or_else(|| user("postgresql.key")),
        })
    }

    /// Reads the files, which is done only where TLS may be used.
    pub(super) fn load(&self) -> Result<Tls, DatabaseError> {
        let roots = match &self.roots {
            _ if self.mode == Mode::Disable => None,
            RootsAt::System => Some(Roots::of_the_system()?),
            RootsAt::Named(path) => Some(Roots::in_file(path)?),
            RootsAt::User(path) if path.exists() => Some(Roots::in_file(path)?),
            RootsAt::User(_) | RootsAt::Nowhere => None,
        };
        let trust = roots.as_ref().map_or_else(String::new, |roots| roots.origin.clone());
        let check = match (self.mode, roots) {
            (Mode::VerifyFull, Some(roots)) => Check::ChainAndName(roots),
            (Mode::VerifyFull | Mode::VerifyCa, None) => return Err(self.no_roots()),
            (_, Some(roots)) => Check::Chain(roots),
            (_, None) => Check::Nothing,
        };
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(check, provider.signature_verification_algorithms);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| DatabaseError::new(format!("TLS cannot be set up: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let identity = self.identity()?;
        let has_client_certificate = identity.is_some();
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(ClientIdentity { chain, key, files }) => {
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    DatabaseError::new(format!("{files} cannot be used as a client certificate: {error}"))
                        .help("let `sslcert` and `sslkey` name a certificate and its own key")
                })?
            }
        };
        if self.negotiation == SslNegotiation::Direct {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok(Tls { connector: MakeRustlsConnect::new(config), trust, has_client_certificate })
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, DatabaseError> {
        match &self.certificate {
            _ if self.mode == Mode::Disable => Ok(None),
            Some(path) if self.is_certificate_named || path.exists() => {
                ClientIdentity::read(path, self.key.as_deref()).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn no_roots(&self) -> DatabaseError {
        let place = match &self.roots {
            RootsAt::User(path) => format!(" (there is no {} either)", path.display()),
            _ => String::new(),
        };
        DatabaseError::new(format!(
            "`sslmode={}` needs the certificate of a CA to check the server against{place}",
            self.mode.name()
        ))
        .help("let `sslrootcert` name its file, or use `sslrootcert=system` with a server whose certificate is from a public CA")
    }
}

impl Mode {
    const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// What is tried, one after the other.
    pub(super) fn tries(self) -> &'static [SslMode] {
        match self {
            Self::Disable => &[SslMode::Disable],
            Self::Allow => &[SslMode::Disable, SslMode::Require],
            Self::Prefer => &[SslMode::Prefer],
            Self::Require | Self::VerifyCa | Self::VerifyFull => &[SslMode::Require],
        }
    }
}

fn mode(parameters: &Parameters, roots: &RootsAt) -> Result<Mode, DatabaseError> {
    let parameter = match parameters.get("sslmode") {
        Some(parameter) => parameter,
        None if *roots == RootsAt::System => return Ok(Mode::VerifyFull),
        None => return Ok(Mode::Prefer),
    };
    let mode = Mode::ALL.into_iter().find(|mode| mode.name() == parameter.value()).ok_or_else(|| {
        parameter.invalid("`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`")
    })?;
    // Anybody can have a certificate from a public CA: only its name tells whose it is.
    if *roots == RootsAt::System && mode != Mode::VerifyFull {
        let weak = format!("`sslrootcert=system` checks nothing with `sslmode={}`", mode.name());
        return Err(DatabaseError::new(weak).help("use `sslmode=verify-full` with it"));
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::super::url;
    use super::*;

    fn settings(url: &str, home: Option<&str>) -> Result<TlsSettings, DatabaseError> {
        let parameters = url::parse(url)?;
        let home = home.map(str::to_owned);
        TlsSettings::read(&parameters, |name| if name == "HOME" { home.clone() } else { None })
    }

    #[test]
    fn the_systems_roots_go_with_verify_full_alone() {
        assert_eq!(settings("postgres://h?sslrootcert=system", None).unwrap().mode, Mode::VerifyFull);
        assert_eq!(settings("postgres://h", None).unwrap().mode, Mode::Prefer);
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let error = settings(&format!("postgres://h?sslrootcert=system&sslmode={mode}"), None);
            let error = error.unwrap_err();
            assert_eq!(error.message, format!("`sslrootcert=system` checks nothing with `sslmode={mode}`"));
        }
    }

    #[test]
    fn direct_negotiation_needs_a_mode_that_insists() {
        for mode in ["disable", "allow", "prefer"] {
            settings(&format!("postgres://h?sslnegotiation=direct&sslmode={mode}"), None).unwrap_err();
        }
        let direct = settings("postgres://h?sslnegotiation=direct&sslmode=require", None).unwrap();
        assert_eq!(direct.negotiation, SslNegotiation::Direct);
    }

    #[cfg(unix)]
    #[test]
    fn verification_without_a_root_says_where_it_was_looked_for() {
        let error = |home| {
            let settings = settings("postgres://h?sslmode=verify-ca", home).unwrap();
            settings.load().map(drop).unwrap_err().message
        };
        let needs = "`sslmode=verify-ca` needs the certificate of a CA to check the server against";
        assert_eq!(error(None), needs);
        assert_eq!(
            error(Some("/no/home")),
            format!("{needs} (there is no /no/home/.postgresql/root.crt either)")
        );
    }

    #[test]
    fn a_file_that_is_named_has_to_be_there() {
        for (query, problem) in [
            ("sslmode=require&sslrootcert=/no/ca.pem", "`sslrootcert`: /no/ca.pem cannot be read"),
            ("sslmode=prefer&sslcert=/no/client.pem", "`sslcert`: /no/client.pem cannot be read"),
        ] {
            let settings = settings(&format!("postgres://h?{query}"), None).unwrap();
            let error = settings.load().map(drop).unwrap_err();
            assert!(error.message.starts_with(problem), "{error}");
        }
        settings("postgres://h?sslmode=disable&sslrootcert=/no/ca.pem", None).unwrap().load().unwrap();
    }
}
