//! TLS 1.3 with one key exchange and a pinned raw public key.

use std::sync::{Arc, Mutex};

use mainstay_protocol::ALPN;
use mainstay_protocol::address::{Pin, key_from_spki};
use mainstay_protocol::sign::VerifyKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// The provider with X25519MLKEM768 alone. quinn's and rustls' defaults would also take plain
/// X25519, and what is recorded today could be opened by a quantum computer later.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    }
}

/// What a connection is made with, and where the relay's key is found after the handshake.
pub(super) fn client(pins: Vec<Pin>) -> Result<(rustls::ClientConfig, Arc<Mutex<Seen>>), Error> {
    let provider = Arc::new(provider());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let verifier = PinnedKey { pins, provider: provider.clone(), seen: seen.clone() };
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_early_data = false;
    config.resumption = rustls::client::Resumption::disabled();
    Ok((config, seen))
}

/// The key that the relay showed, and whether it was one of the pinned.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) key: Option<VerifyKey>,
    pub(super) wrong: bool,
}

/// Accepts a relay by the hash of its public key (RFC 7250), whatever its name.
#[derive(Debug)]
struct PinnedKey {
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Seen>>,
}

impl ServerCertVerifier for PinnedKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = key_from_spki(end_entity);
        let mut seen = self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match key.filter(|key| self.pins.contains(&Pin::of(key))) {
            Some(key) => {
                seen.key = Some(key);
                Ok(ServerCertVerified::assertion())
            }
            None => {
                seen.wrong = true;
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(cert.as_ref());
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, dss, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rustls::crypto::SupportedKxGroup;
    use rustls::crypto::aws_lc_rs::{kx_group, sign};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::server::AlwaysResolvesServerRawPublicKeys;
    use rustls::{ClientConnection, NamedGroup, ServerConfig, ServerConnection};

    use super::*;

    /// The start of an Ed25519 private key as PKCS #8 (RFC 8410 §7); 32 bytes of seed follow.
    const PKCS8: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

    fn key() -> VerifyKey {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        VerifyKey(key.verifying_key().to_bytes())
    }

    fn server(groups: Vec<&'static dyn SupportedKxGroup>) -> ServerConnection {
        let pkcs8 = [&PKCS8[..], &[7; 32]].concat();
        let signer = sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(&pkcs8[..])).unwrap();
        let identity = CertificateDer::from(mainstay_protocol::address::spki(&key()));
        let identity = rustls::sign::CertifiedKey::new(vec![identity], signer);
        let provider = CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(
                identity,
            ))));
        config.alpn_protocols = vec![ALPN.to_vec()];
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    /// Runs a handshake in memory.
    fn shake(pin: Pin, mut server: ServerConnection) -> Result<ClientConnection, Error> {
        let (config, _) = client(vec![pin]).unwrap();
        let name = ServerName::try_from("relay.mainstay").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        for _ in 0..8 {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets()?;
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets()?;
        }
        Ok(client)
    }

    #[test]
    fn the_key_exchange_is_the_hybrid_one_even_with_a_server_that_takes_any() {
        let all = aws_lc_rs::ALL_KX_GROUPS.to_vec();
        let client = shake(Pin::of(&key()), server(all)).unwrap();
        let group = client.negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
        assert_eq!(client.alpn_protocol(), Some(ALPN));
    }

    #[test]
    fn a_server_that_knows_only_classical_exchanges_is_not_talked_to() {
        let classical = vec![kx_group::X25519, kx_group::SECP256R1];
        assert!(shake(Pin::of(&key()), server(classical)).is_err());
    }

    #[test]
    fn a_server_with_another_key_is_not_talked_to() {
        let all = aws_lc_rs::ALL_KX_GROUPS.to_vec();
        assert!(shake(Pin([0; 32]), server(all)).is_err());
    }
}
