//! A wire that counts: UDP datagrams to the relay and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// More than any datagram of ours.
const DATAGRAM_BYTES: usize = 64 * 1024;

/// Stands between one device and the relay.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    to_device: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(relay: SocketAddr) -> Result<Self> {
        let front = UdpSocket::bind("127.0.0.1:0").await?;
        let back = UdpSocket::bind("127.0.0.1:0").await?;
        back.connect(relay).await?;
        let port = front.local_addr()?.port();
        let to_device = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(forward(front, back, to_device.clone()));
        Ok(Self { port, to_device, task })
    }

    /// Bytes of UDP payload that went to the device.
    pub(crate) fn to_device(&self) -> u64 {
        self.to_device.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(front: UdpSocket, back: UdpSocket, to_device: Arc<AtomicU64>) {
    let (mut up, mut down) = (vec![0; DATAGRAM_BYTES], vec![0; DATAGRAM_BYTES]);
    let mut device = None;
    loop {
        tokio::select! {
            Ok((length, from)) = front.recv_from(&mut up) => {
                device = Some(from);
                let _ = back.send(&up[..length]).await;
            }
            Ok(length) = back.recv(&mut down) => {
                to_device.fetch_add(length as u64, Ordering::Relaxed);
                if let Some(device) = device {
                    let _ = front.send_to(&down[..length], device).await;
                }
            }
            else => return,
        }
    }
}
