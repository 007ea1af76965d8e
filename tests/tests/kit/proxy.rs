//! A narrow road between a phone and its relay: a UDP proxy of a stated rate, on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

/// Datagrams that wait in each direction before others are dropped, as a router would.
const QUEUE: usize = 64;

/// Starts a proxy to `relay`; it ends with the test's runtime. One phone at a time.
pub async fn proxy(relay: SocketAddr, bytes_per_second: u64) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    back.connect(relay).await.unwrap();
    let place = front.local_addr().unwrap();
    let (up, down) = (road(bytes_per_second), road(bytes_per_second));
    let (tell, phone) = tokio::sync::watch::channel(None);
    tokio::spawn(carry(up.1, back.clone(), phone.clone(), false));
    tokio::spawn(carry(down.1, front.clone(), phone, true));
    tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok((length, from)) = front.recv_from(&mut buffer).await {
            tell.send_replace(Some(from));
            let _ = up.0.try_send(buffer[..length].to_vec());
        }
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok(length) = back.recv(&mut buffer).await {
            let _ = down.0.try_send(buffer[..length].to_vec());
        }
    });
    place
}

type Queue = (tokio::sync::mpsc::Sender<Vec<u8>>, Road);

struct Road {
    queue: tokio::sync::mpsc::Receiver<Vec<u8>>,
    bytes_per_second: u64,
}

fn road(bytes_per_second: u64) -> Queue {
    let (put, queue) = tokio::sync::mpsc::channel(QUEUE);
    (put, Road { queue, bytes_per_second })
}

async fn carry(
    mut road: Road,
    socket: Arc<UdpSocket>,
    phone: tokio::sync::watch::Receiver<Option<SocketAddr>>,
    to_phone: bool,
) {
    let mut free = Instant::now();
    while let Some(datagram) = road.queue.recv().await {
        let takes = datagram.len() as u64 * 1_000_000 / road.bytes_per_second;
        free = free.max(Instant::now()) + Duration::from_micros(takes);
        sleep_until(free).await;
        let to = *phone.borrow();
        let _ = match (to_phone, to) {
            (true, Some(phone)) => socket.send_to(&datagram, phone).await,
            (true, None) => Ok(0),
            (false, _) => socket.send(&datagram).await,
        };
    }
}
