//! Checking a server's certificate as far as `sslmode` asks for it.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::files::Roots;

/// The subject's common name.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What of a certificate is checked.
#[derive(Debug)]
pub(super) enum Check {
    Nothing,
    Chain(Roots),
    ChainAndName(Roots),
}

#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(check: Check, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { check, algorithms }
    }

    fn chain(
        &self,
        roots: &Roots,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        // A self-signed certificate that the client was given to trust. By the rules of the web no CA's
        // certificate may be a server's own; it is how PostgreSQL's manual makes one all the same.
        if roots.certificates.iter().any(|root| root.as_ref() == certificate.as_ref()) {
            return dates(certificate, now);
        }
        let certificate = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &roots.store,
            intermediates,
            now,
            self.algorithms.all,
        )
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.check {
            Check::Nothing => {}
            Check::Chain(roots) => self.chain(roots, certificate, intermediates, now)?,
            Check::ChainAndName(roots) => {
                self.chain(roots, certificate, intermediates, now)?;
                host(certificate, name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    // That the server has the key of its certificate is checked in every mode: channel binding relies on it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let certificate = parse(certificate)?;
    let validity = &certificate.tbs_certificate.validity;
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        Err(CertificateError::Expired.into())
    } else if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        Err(CertificateError::NotValidYet.into())
    } else {
        Ok(())
    }
}

/// The host is one of the certificate's alternative names; else, where these have none of its kind, its
/// common name, as PostgreSQL's manual says.
fn host(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    verify_server_name(&parsed, name).or_else(|error| {
        let certificate = parse(certificate)?;
        match common_name(&certificate, name) {
            Some(pattern) if matches(&pattern, &name.to_str()) => Ok(()),
            _ => Err(error),
        }
    })
}

/// The common name, where it stands in for an alternative one.
fn common_name(certificate: &Certificate, name: &ServerName<'_>) -> Option<String> {
    let certificate = &certificate.tbs_certificate;
    let alternatives = certificate.get::<SubjectAltName>().ok()?;
    let is_same_kind = |alternative: &GeneralName| match name {
        ServerName::IpAddress(_) => matches!(alternative, GeneralName::IpAddress(_)),
        _ => matches!(alternative, GeneralName::DnsName(_)),
    };
    if alternatives.is_some_and(|(_, names)| names.0.iter().any(is_same_kind)) {
        return None;
    }
    let mut attributes = certificate.subject.0.iter().flat_map(|relative| relative.0.iter());
    let attribute = attributes.find(|attribute| attribute.oid == COMMON_NAME)?;
    String::from_utf8(attribute.value.value().to_vec()).ok()
}

/// A `*` at the start stands for one label.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(host),
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
    }
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        let cases = [
            ("db01.internal", "db01.internal", true),
            ("DB01.internal", "db01.INTERNAL", true),
            ("*.internal", "db01.internal", true),
            ("*.internal", "a.db01.internal", false),
            ("*.internal", "internal", false),
            ("*.internal", ".internal", false),
            ("db*.internal", "db01.internal", false),
            ("*", "db01", false),
            ("", "db01", false),
        ];
        for (pattern, host, expected) in cases {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
