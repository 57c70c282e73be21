//! Certificates for servers and clients that speak TLS, made when a test needs them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};

/// What a CA signs with, which is what SCRAM's channel binding depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// ECDSA with SHA-256.
    Sha256,
    /// ECDSA with SHA-384.
    Sha384,
    /// Ed25519, which has no hash that channel binding could use.
    Ed25519,
}

impl Signature {
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::Sha256 => &PKCS_ECDSA_P256_SHA256,
            Self::Sha384 => &PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &PKCS_ED25519,
        }
    }
}

/// A CA.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    ///
    /// When the machine has no randomness to make a key from.
    #[must_use]
    pub fn new(name: &str, signature: Signature) -> Self {
        let key = KeyPair::generate_for(signature.algorithm()).expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate, for who is to trust it.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server of these names, or addresses.
    ///
    /// # Panics
    ///
    /// When a name cannot stand in a certificate.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Certificate {
        self.sign(&params("a server", names))
    }

    /// One whose only name is the common name of its subject.
    ///
    /// # Panics
    ///
    /// When the name cannot stand in a certificate.
    #[must_use]
    pub fn with_common_name(&self, name: &str) -> Certificate {
        self.sign(&params(name, &[]))
    }

    /// One for a server, which was good for a day many years ago.
    ///
    /// # Panics
    ///
    /// When a name cannot stand in a certificate.
    #[must_use]
    pub fn expired(&self, names: &[&str]) -> Certificate {
        let mut params = params("a server", names);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 2);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certificate { pem: signed.pem(), key: key.serialize_pem() }
    }
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate in PEM.
    pub pem: String,
    /// The key in PEM.
    pub key: String,
}

impl Certificate {
    /// One that signs itself, and is a CA's by its own words: so PostgreSQL's manual makes them. Its only
    /// name is the common name of its subject.
    ///
    /// # Panics
    ///
    /// When the name cannot stand in a certificate.
    #[must_use]
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { pem: params.self_signed(&key).expect("a certificate").pem(), key: key.serialize_pem() }
    }

    /// Writes them as `NAME.crt` and `NAME.key`, the key for its owner alone.
    ///
    /// # Panics
    ///
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path, name: &str) {
        let key = folder.join(format!("{name}.key"));
        fs::write(folder.join(format!("{name}.crt")), &self.pem).expect("the folder is writable");
        fs::write(&key, &self.key).expect("the folder is writable");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("the file is ours");
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names that can stand in a certificate");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
