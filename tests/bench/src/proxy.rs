//! A wire that counts: UDP datagrams to the relay and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// More than any datagram of ours.
const DATAGRAM_BYTES: usize = 64 * 1024;

#[derive(Default)]
struct Counts {
    to_device: AtomicU64,
    to_relay: AtomicU64,
    /// How often somebody came from another port than before: a connection has a port of its own.
    devices: AtomicU64,
}

/// Stands between one device and the relay.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(relay: SocketAddr) -> Result<Self> {
        let front = UdpSocket::bind("127.0.0.1:0").await?;
        let back = UdpSocket::bind("127.0.0.1:0").await?;
        back.connect(relay).await?;
        let port = front.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(forward(front, back, counts.clone()));
        Ok(Self { port, counts, task })
    }

    /// Bytes of UDP payload that went to the device.
    pub(crate) fn to_device(&self) -> u64 {
        self.counts.to_device.load(Ordering::Relaxed)
    }

    /// Bytes of UDP payload that went to the relay.
    pub(crate) fn to_relay(&self) -> u64 {
        self.counts.to_relay.load(Ordering::Relaxed)
    }

    /// How many connections there were, one after the other.
    pub(crate) fn devices(&self) -> u64 {
        self.counts.devices.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(front: UdpSocket, back: UdpSocket, counts: Arc<Counts>) {
    let (mut up, mut down) = (vec![0; DATAGRAM_BYTES], vec![0; DATAGRAM_BYTES]);
    let mut device = None;
    loop {
        tokio::select! {
            Ok((length, from)) = front.recv_from(&mut up) => {
                if device.replace(from) != Some(from) {
                    counts.devices.fetch_add(1, Ordering::Relaxed);
                }
                counts.to_relay.fetch_add(length as u64, Ordering::Relaxed);
                let _ = back.send(&up[..length]).await;
            }
            Ok(length) = back.recv(&mut down) => {
                counts.to_device.fetch_add(length as u64, Ordering::Relaxed);
                if let Some(device) = device {
                    let _ = front.send_to(&down[..length], device).await;
                }
            }
            else => return,
        }
    }
}
