//! Certificates and keys in PEM files.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::DatabaseError;

/// The certificates that trust begins with.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) store: RootCertStore,
    /// The same as they are in the file, for a server that shows one of them as its own.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Where they are from, in words.
    pub(super) origin: String,
}

impl Roots {
    pub(super) fn in_file(path: &Path) -> Result<Self, DatabaseError> {
        let text = read("sslrootcert", path)?;
        let certificates = certificates("sslrootcert", path, &text)?;
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|error| {
                unusable("sslrootcert", path, &format!("has a certificate that cannot be read: {error}"))
            })?;
        }
        Ok(Self { store, certificates, origin: format!("a CA of {}", path.display()) })
    }

    /// What the system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` say where else that is, as for OpenSSL.
    pub(super) fn of_the_system() -> Result<Self, DatabaseError> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(found.certs);
        if usable == 0 {
            let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
            return Err(DatabaseError::new(format!(
                "`sslrootcert=system`: the system has no certificates of CAs{why}"
            ))
            .help("install the system's package of CA certificates, or let `sslrootcert` name a file"));
        }
        Ok(Self { store, certificates: Vec::new(), origin: "a CA that the system trusts".to_owned() })
    }
}

/// What a client shows of itself.
#[derive(Debug)]
pub(super) struct ClientIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// Their names, for an error.
    pub(super) files: String,
}

impl ClientIdentity {
    pub(super) fn read(certificate: &Path, key: Option<&Path>) -> Result<Self, DatabaseError> {
        let text = read("sslcert", certificate)?;
        let chain = certificates("sslcert", certificate, &text)?;
        let key = key.ok_or_else(|| {
            DatabaseError::new("`sslcert` names a certificate, and nothing names its key")
                .help("let `sslkey` name the file of the key")
        })?;
        let files = format!("{} with {}", certificate.display(), key.display());
        Ok(Self { chain, key: private_key(key)?, files })
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, DatabaseError> {
    let text = read("sslkey", path)?;
    #[cfg(unix)]
    check_permissions(path)?;
    let is_encrypted = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
    };
    if is_encrypted(&text) {
        return Err(unusable("sslkey", path, "is encrypted, which is not supported").help(format!(
            "decrypt it into a file that only its owner may read: `openssl pkey -in {} -out FILE`",
            path.display()
        )));
    }
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| unusable("sslkey", path, &format!("holds no private key in PEM: {error}")))
}

/// libpq's rule: nobody but the owner may read a key, or root's group where it is root's.
#[cfg(unix)]
fn check_permissions(path: &Path) -> Result<(), DatabaseError> {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    let why = "can be read or written by others than its owner";
    Err(unusable("sslkey", path, why).help(format!("run `chmod 600 {}`", path.display())))
}

fn read(parameter: &str, path: &Path) -> Result<Vec<u8>, DatabaseError> {
    fs::read(path).map_err(|error| unusable(parameter, path, &format!("cannot be read: {error}")))
}

fn certificates(
    parameter: &str,
    path: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, DatabaseError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unusable(parameter, path, "holds no certificate in PEM")),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(parameter, path, &format!("is no valid PEM: {error}"))),
    }
}

fn unusable(parameter: &str, path: &Path, why: &str) -> DatabaseError {
    DatabaseError::new(format!("`{parameter}`: {} {why}", path.display()))
        .help(format!("let `{parameter}` name a file in PEM that this program may read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_key_that_cannot_be_used_is_said_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.key");
        let cases = [
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
                0o600,
                "is encrypted",
            ),
            ("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", 0o600, "is encrypted"),
            ("nothing", 0o600, "holds no private key in PEM"),
            ("nothing", 0o644, "can be read or written by others than its owner"),
        ];
        for (text, mode, problem) in cases {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = private_key(&path).unwrap_err();
            assert!(error.message.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(&path, "nothing").unwrap();
        let error = Roots::in_file(&path).unwrap_err();
        assert!(error.message.ends_with("ca.pem holds no certificate in PEM"), "{error}");
    }
}
