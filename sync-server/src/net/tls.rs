//! TLS 1.3 with X25519MLKEM768 alone, and the relay's bare public key (RFC 7250) as its identity.

use std::sync::Arc;

use mainstay_protocol::{ALPN, address};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, TransportConfig, VarInt};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group, sign};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};

use crate::net::NetConfig;
use crate::relay::RelayKeys;
use crate::server::ServeError;

/// What one stream, and one connection, may have under way towards the relay, in bytes.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// What one connection may have under way from the relay, in bytes.
const SEND_WINDOW_BYTES: u64 = 512 * 1024;

pub(super) fn server_config(
    keys: &RelayKeys,
    config: &NetConfig,
) -> Result<quinn::ServerConfig, ServeError> {
    let failed = |error: rustls::Error| ServeError::Tls(error.to_string());
    let provider =
        CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() };
    let pkcs8 = zeroize::Zeroizing::new(keys.relay_pkcs8());
    let key = sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(&pkcs8[..])).map_err(failed)?;
    let identity = CertificateDer::from(address::spki(&keys.relay()));
    let identity = rustls::sign::CertifiedKey::new(vec![identity], key);
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(identity))));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption and no 0-RTT: each connection proves itself anew.
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let tls = QuicServerConfig::try_from(tls).map_err(|e| ServeError::Tls(e.to_string()))?;
    let mut server = quinn::ServerConfig::with_crypto(Arc::new(tls));
    server.transport_config(Arc::new(transport(config)));
    server.migration(true);
    Ok(server)
}

fn transport(config: &NetConfig) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = VarInt::from_u32(config.idle_timeout_s.saturating_mul(1000));
    transport
        .max_idle_timeout(Some(IdleTimeout::from(idle)))
        .max_concurrent_bidi_streams(VarInt::from_u32(config.streams_per_connection))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES);
    transport
}
