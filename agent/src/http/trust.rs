//! Whose certificates a provider may show.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// Why it cannot be said whom to trust.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The URL's host is no name that a certificate can be for.
    #[error("{0} has no host that a certificate can be for")]
    Host(String),
    /// The file of certificates cannot be read.
    #[error("cannot read certificates from {}; ca names a PEM file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is nobody to trust.
    #[error(
        "no certificate authorities; install the package ca-certificates, or name a PEM file with ca"
    )]
    Nobody,
    /// The TLS library does not take the settings.
    #[error("cannot set up TLS")]
    Settings(#[from] rustls::Error),
}

/// A client that trusts the system's authorities, and those of a PEM file beside them.
///
/// # Errors
/// Where the file holds no certificate, or nobody is left to trust.
pub fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "skipped certificates of the system");
    }
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca {
        add_file(&mut roots, path)
            .map_err(|source| TrustError::Unreadable { path: path.to_owned(), source })?;
    }
    if roots.is_empty() {
        return Err(TrustError::Nobody);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_file(
    roots: &mut RootCertStore,
    path: &Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        return Err(Box::new(io::Error::other("it holds no certificate")));
    }
    for certificate in certificates {
        roots.add(certificate)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let missing = client_config(Some(&path)).unwrap_err().to_string();
        assert!(missing.contains("ca.pem; ca names a PEM file"), "{missing}");
        fs::write(&path, "no certificate").unwrap();
        assert!(client_config(Some(&path)).is_err());
    }
}
