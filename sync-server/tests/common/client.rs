use std::sync::Arc;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::frame::{Attach, Proof, Reply, Request, Signer};
use mainstay_protocol::sign::{VerifyKey, purpose, signing_input};
use mainstay_protocol::statement::Cursor;
use mainstay_protocol::{ALPN, address, codec, frame};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, RecvStream, SendStream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion};

use super::person::{Key, Person};

#[derive(Debug)]
struct Pinned(RelayAddress, CryptoProvider);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        identity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match address::key_from_spki(identity) {
            Some(key) if self.0.accepts(&key) => Ok(ServerCertVerified::assertion()),
            _ => Err(Error::General("another key".into())),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        identity: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(identity.as_ref());
        let algorithms = &self.1.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &spki, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// One connection to a relay.
pub struct Client {
    pub quic: quinn::Connection,
    relay: VerifyKey,
    _endpoint: Endpoint,
}

pub fn hybrid() -> CryptoProvider {
    CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() }
}

/// A configuration with the cryptography given.
pub fn configured(
    at: &RelayAddress,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[u8],
) -> rustls::ClientConfig {
    let verifier = Arc::new(Pinned(at.clone(), default_provider()));
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls
}

/// Connects with the cryptography given.
pub async fn try_connect(
    at: &RelayAddress,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[u8],
) -> Result<Client, String> {
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    connect_with(at, endpoint, configured(at, provider, versions, alpn)).await
}

/// Connects from an endpoint, with a configuration.
pub async fn connect_with(
    at: &RelayAddress,
    mut endpoint: Endpoint,
    tls: rustls::ClientConfig,
) -> Result<Client, String> {
    let tls = QuicClientConfig::try_from(tls).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    let place = format!("{}:{}", at.host, at.port).parse().unwrap();
    let quic = endpoint.connect(place, "relay").unwrap().await.map_err(|e| e.to_string())?;
    let identity = quic.peer_identity().unwrap().downcast::<Vec<CertificateDer<'_>>>().unwrap();
    let relay = address::key_from_spki(&identity[0]).unwrap();
    Ok(Client { quic, relay, _endpoint: endpoint })
}

pub async fn connect(at: &RelayAddress) -> Client {
    try_connect(at, hybrid(), &[&rustls::version::TLS13], ALPN).await.unwrap()
}

impl Client {
    pub fn relay(&self) -> VerifyKey {
        self.relay
    }

    pub fn attach(&self, person: &Person, key: &Key, cursor: Option<Cursor>) -> Request {
        let signer = Signer::Device(key.public().author_id());
        let mut exporter = [0; 32];
        let context = person.space.as_bytes();
        self.quic.export_keying_material(&mut exporter, Proof::EXPORTER_LABEL, context).unwrap();
        let proof = Proof { exporter, relay: self.relay, space: person.space, signer };
        let signature = key.sign(&signing_input(purpose::ATTACH, &proof.message()));
        Request::Attach(Attach { space: person.space, signer, signature: Some(signature), cursor })
    }

    /// Sends a batch and leaves the stream open for replies.
    pub async fn begin(&self, requests: &[Request]) -> (SendStream, RecvStream) {
        let (mut send, receive) = self.quic.open_bi().await.unwrap();
        for request in requests {
            let bytes = codec::encode(request);
            send.write_all(&frame::prefix(&bytes).unwrap()).await.unwrap();
            send.write_all(&bytes).await.unwrap();
        }
        send.finish().unwrap();
        (send, receive)
    }

    /// All replies to a batch.
    pub async fn ask(&self, requests: &[Request]) -> Vec<Reply> {
        let (_send, mut receive) = self.begin(requests).await;
        let mut replies = Vec::new();
        while let Some(reply) = next(&mut receive).await {
            replies.push(reply);
        }
        replies
    }
}

pub async fn next(receive: &mut RecvStream) -> Option<Reply> {
    let mut prefix = [0; frame::PREFIX_BYTES];
    receive.read_exact(&mut prefix).await.ok()?;
    let mut bytes = vec![0; frame::length(prefix).unwrap()];
    receive.read_exact(&mut bytes).await.unwrap();
    Some(codec::decode(&bytes).unwrap())
}
