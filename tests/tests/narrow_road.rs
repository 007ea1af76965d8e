//! `sync_once(2 s)` where there is little bandwidth: it stops in time and goes on where it was.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod kit;

use std::time::{Duration, Instant};

use kit::{Desk, everything, note, proxy::proxy};
use mainstay_core::engine::{Backend, Engine};

/// 0.8 Mbit/s: a bad mobile connection.
const BYTES_PER_SECOND: u64 = 100_000;
/// Enough for several budgets in either direction.
const ENTRIES: i64 = 250;
const BUDGET: Duration = Duration::from_secs(2);
/// What stopping may take beyond the budget on a busy machine.
const GRACE: Duration = Duration::from_millis(500);

/// Syncs in budgets until everything is done; returns how many it took and the bytes moved.
async fn in_budgets(engine: &Engine) -> (u32, u64) {
    let (mut rounds, mut bytes) = (0, 0);
    loop {
        let began = Instant::now();
        let report = engine.sync_once(BUDGET).await.unwrap();
        assert!(began.elapsed() < BUDGET + GRACE, "took {:?}", began.elapsed());
        rounds += 1;
        bytes += report.bytes_sent + report.bytes_received;
        assert!(rounds < 30, "it gets nowhere");
        if report.complete {
            return (rounds, bytes);
        }
    }
}

/// Words that do not compress much.
fn words(number: i64) -> String {
    (0..40)
        .map(|i| format!("{:x} ", (number * 40 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)))
        .collect()
}

/// Up from a phone on one store, and down to a new one on the other.
async fn up_and_down(from: Backend, to: Backend) {
    let desk = Desk::new().await;
    let (phone, phrase) = desk.phone("first", from).await;
    for number in 0..ENTRIES {
        phone.log(note(&words(number)), kit::days_ago(number / 3)).await.unwrap();
    }
    let mut road = desk.relay.address();
    road.port = proxy(desk.relay.local_addr(), BYTES_PER_SECOND).await.port();
    phone.set_relay(road.clone()).await.unwrap();
    let (rounds, sent) = in_budgets(&phone).await;
    assert_eq!(phone.status().await.unwrap().on_relay, ENTRIES as u64);

    let config = desk.config("new", to);
    let new = Engine::restore(config, &phrase, &road).await.unwrap();
    let (back, received) = in_budgets(&new).await;
    assert_eq!(everything(&new).await, everything(&phone).await);
    println!("up: {rounds} budgets, {sent} bytes; down: {back} budgets, {received} bytes");
    assert!(rounds > 1 && back > 1, "the road was too wide to show anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_two_seconds_stops_in_time_and_goes_on_where_it_was_up_from_sled_down_to_redb() {
    up_and_down(Backend::Sled, Backend::Redb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_two_seconds_stops_in_time_and_goes_on_where_it_was_up_from_redb_down_to_sled() {
    up_and_down(Backend::Redb, Backend::Sled).await;
}
