//! The simulator's own certificate authority and server certificate.
//!
//! Both are made when the simulator starts; the private keys never leave its memory. Clients trust
//! the authority by its file `ca.pem`.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

use super::{SimulationError, tls_version::TlsVersion};

/// HTTP/2's name in the TLS handshake.
pub(super) const HTTP2: &[u8] = b"h2";

/// A server's side of TLS, and what clients must trust to speak to it.
pub(super) struct ServerIdentity {
    /// One version of TLS and both of HTTP, of which a client that takes both gets HTTP/1.1.
    pub(super) tls: Arc<ServerConfig>,
    /// The authority's certificate.
    pub(super) ca_pem: String,
}

impl ServerIdentity {
    /// Makes an authority and a certificate for this machine and this address; the server speaks
    /// this version of TLS.
    ///
    /// # Errors
    /// Where the keys cannot be made or do not fit together.
    pub(super) fn make(address: IpAddr, version: TlsVersion) -> Result<Self, SimulationError> {
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "Armol simulation");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate()?;
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::from_params(&ca, &ca_key);

        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let names = names.into_iter().chain([address.to_string()]).collect::<Vec<_>>();
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "Armol simulated provider");
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate()?;
        let certificate = server.signed_by(&server_key, &issuer)?;

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[match version {
                TlsVersion::Tls12 => &TLS12,
                TlsVersion::Tls13 => &TLS13,
            }])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec(), HTTP2.to_vec()];
        Ok(Self { tls: Arc::new(tls), ca_pem: ca_certificate.pem() })
    }
}
