//! One connection, and one exchange on it.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{self, PREFIX_BYTES, Proof, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::sign::VerifyKey;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, RecvStream, TransportConfig, VarInt, WriteError};

use super::{TransportError, tls};

/// The first packet fits every path that QUIC allows (RFC 9000 §14).
const START_MTU: u16 = 1200;
/// Within what carriers' address translation keeps (about 30 s for UDP).
const KEEP_ALIVE: Duration = Duration::from_secs(22);
/// A connection that hears nothing for this long is gone.
const IDLE: Duration = Duration::from_secs(60);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection to a relay whose key was checked.
pub(crate) struct Wire {
    endpoint: Endpoint,
    connection: quinn::Connection,
    relay: VerifyKey,
    /// Bytes that an earlier report has counted.
    reported: Mutex<(u64, u64)>,
}

impl Wire {
    /// Connects, trying each address that the relay's name has.
    pub(crate) async fn connect(address: &RelayAddress) -> Result<Self, TransportError> {
        let places = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
        let places: Vec<SocketAddr> = places.map_err(offline)?.collect();
        let mut last = TransportError::Offline("its name has no address".to_owned());
        for place in places {
            let connecting = Self::connect_to(place, address);
            match tokio::time::timeout(HANDSHAKE, connecting).await {
                Ok(Ok(wire)) => return Ok(wire),
                Ok(Err(TransportError::WrongKey)) => return Err(TransportError::WrongKey),
                Ok(Err(error)) => last = error,
                Err(_) => last = TransportError::Offline("it does not answer".to_owned()),
            }
        }
        Err(last)
    }

    async fn connect_to(place: SocketAddr, address: &RelayAddress) -> Result<Self, TransportError> {
        let any: SocketAddr = match place {
            SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let endpoint = Endpoint::client(any).map_err(offline)?;
        let (tls, seen) = tls::client(address.pins.clone()).map_err(offline)?;
        let mut config =
            ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).map_err(offline)?));
        config.transport_config(Arc::new(transport()));
        // The name is not looked at: the pinned key says who it is, and a fixed name tells nobody
        // on the way which relay this is.
        let connecting = endpoint.connect_with(config, place, "relay.mainstay").map_err(offline)?;
        let connected = connecting.await;
        let seen = seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if seen.wrong {
            return Err(TransportError::WrongKey);
        }
        let connection = connected.map_err(offline)?;
        let relay = seen.key.ok_or(TransportError::WrongKey)?;
        let reported = Mutex::default();
        Ok(Self { endpoint: endpoint.clone(), connection, relay, reported })
    }

    /// The relay's key, which one of the pins names.
    pub(crate) fn relay(&self) -> VerifyKey {
        self.relay
    }

    /// The exporter's output that proofs for a space bind to.
    pub(crate) fn exporter(&self, space: &SpaceId) -> Result<[u8; 32], TransportError> {
        let mut out = [0; 32];
        self.connection
            .export_keying_material(&mut out, Proof::EXPORTER_LABEL, space.as_bytes())
            .map_err(|_| TransportError::Malformed)?;
        Ok(out)
    }

    /// Whether the connection is still there.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Bytes in UDP datagrams that no report has counted yet: sent, received. The handshake counts
    /// for whoever reports first.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        let before = self.reported.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (stats.udp_tx.bytes - before.0, stats.udp_rx.bytes - before.1)
    }

    /// What was sent and received up to now has been reported.
    pub(crate) fn settle(&self) {
        let stats = self.connection.stats();
        let mut before = self.reported.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *before = (stats.udp_tx.bytes, stats.udp_rx.bytes);
    }

    /// Sends a batch on a stream of its own.
    pub(crate) async fn exchange(&self, batch: &[Request]) -> Result<Exchange, TransportError> {
        let (mut send, receive) = self.connection.open_bi().await.map_err(offline)?;
        for request in batch {
            let frame = codec::encode(request);
            let prefix = frame::prefix(&frame).map_err(|_| TransportError::Malformed)?;
            for part in [&prefix[..], &frame[..]] {
                match send.write_all(part).await {
                    Ok(()) => {}
                    // The relay refused an earlier request and reads no further: its answer,
                    // which says why, is on the way.
                    Err(WriteError::Stopped(_)) => return Ok(Exchange { receive }),
                    Err(error) => return Err(offline(error)),
                }
            }
        }
        // Fails only where the relay has stopped reading: as above.
        let _ = send.finish();
        Ok(Exchange { receive })
    }

    /// Closes the connection and waits until the relay was told, for a second at most.
    pub(crate) async fn close(self) {
        self.connection.close(VarInt::from_u32(0), b"");
        let _ = tokio::time::timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }
}

/// The answers to one batch.
pub(crate) struct Exchange {
    receive: RecvStream,
}

impl Exchange {
    /// The next reply; `None` when the relay has closed the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Reply>, TransportError> {
        let mut prefix = [0; PREFIX_BYTES];
        match self.receive.read_exact(&mut prefix).await {
            Ok(()) => {}
            Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(error) => return Err(offline(error)),
        }
        let length = frame::length(prefix).map_err(|_| TransportError::Malformed)?;
        let mut frame = vec![0; length];
        self.receive.read_exact(&mut frame).await.map_err(offline)?;
        codec::decode(&frame).map(Some).map_err(|_| TransportError::Malformed)
    }
}

fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .initial_mtu(START_MTU)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(VarInt::from_u32(IDLE.as_millis() as u32).into()))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0));
    config
}

fn offline(error: impl std::fmt::Display) -> TransportError {
    TransportError::Offline(error.to_string())
}
