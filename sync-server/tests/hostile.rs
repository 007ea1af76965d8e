//! Whatever bytes a client sends, the relay answers or closes the stream, and goes on.

#![allow(clippy::unwrap_used)]

mod common;

use common::client::{Client, connect, next};
use common::config;
use common::person::Person;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Admission, Refusal, Reply};
use mainstay_protocol::limits::{MAX_BATCH_REQUESTS, MAX_FRAME_BYTES};
use mainstay_sync_server::Server;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

async fn send_raw(client: &Client, bytes: &[u8]) -> Option<Reply> {
    let (mut send, mut receive) = client.quic.open_bi().await.unwrap();
    // The relay may stop reading at any byte.
    let _ = send.write_all(bytes).await;
    let _ = send.finish();
    next(&mut receive).await
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_are_refused_and_the_relay_goes_on() {
    let (_dir, mut config) = config();
    config.net.requests_per_second = std::num::NonZeroU32::MAX;
    config.net.anonymous_per_second = std::num::NonZeroU32::MAX;
    let server = Server::bind(&config).await.unwrap();
    let client = connect(&server.address()).await;
    let mut person = Person::new(10);
    let valid = [
        codec::encode(&person.create(Admission::Open)),
        codec::encode(&client.attach(&person, &person.device.clone(), None)),
        codec::encode(&person.push(b"x")),
    ];
    let mut runner = TestRunner::deterministic();
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    let flips = (0..valid.len(), any::<prop::sample::Index>(), any::<u8>());
    for _ in 0..300 {
        let bytes = noise.new_tree(&mut runner).unwrap().current();
        send_raw(&client, &bytes).await;
        send_raw(&client, &framed(&bytes)).await;
        let (which, at, value) = flips.new_tree(&mut runner).unwrap().current();
        let mut bytes = valid[which].clone();
        let at = at.index(bytes.len());
        bytes[at] = value;
        send_raw(&client, &framed(&bytes)).await;
        send_raw(&client, &framed(&valid[which])[..at]).await;
    }
    let replies = client.ask(&[person.create(Admission::Open)]).await;
    assert!(matches!(replies[0], Reply::Created { .. } | Reply::Refused(Refusal::SpaceExists)));
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_beyond_a_limit_are_refused_before_anything_is_held() {
    let (_dir, config) = config();
    let server = Server::bind(&config).await.unwrap();
    let client = connect(&server.address()).await;
    for length in [MAX_FRAME_BYTES as u32 + 1, u32::MAX] {
        let reply = send_raw(&client, &length.to_be_bytes()).await;
        assert!(matches!(reply, Some(Reply::Refused(Refusal::Malformed { .. }))), "{reply:?}");
    }
    // CBOR that announces 2⁶⁴ - 1 elements, and arrays within arrays.
    let mut announced = vec![0x82, 0x05, 0x82, 0x58, 0x20];
    announced.extend([0; 32]);
    announced.extend([0x9b, 255, 255, 255, 255, 255, 255, 255, 255]);
    for bytes in [announced, vec![0x81; MAX_FRAME_BYTES], vec![0x9f; MAX_FRAME_BYTES]] {
        let reply = send_raw(&client, &framed(&bytes)).await;
        assert!(matches!(reply, Some(Reply::Refused(Refusal::Malformed { .. }))), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_too_many_requests_ends_at_the_limit() {
    let (_dir, mut config) = config();
    config.net.anonymous_per_second = std::num::NonZeroU32::MAX;
    let server = Server::bind(&config).await.unwrap();
    let client = connect(&server.address()).await;
    let create = Person::new(10).create(Admission::Open);
    let replies = client.ask(&vec![create; MAX_BATCH_REQUESTS + 1]).await;
    assert_eq!(replies.len(), MAX_BATCH_REQUESTS + 1);
    let last = replies.last().unwrap();
    assert!(matches!(last, Reply::Refused(Refusal::Malformed { .. })), "{last:?}");
}
