//! A counsellor and their clients over real QUIC: one question for all of them, with the journal's own, and
//! a relay for invited people only.
#![allow(clippy::unwrap_used)]

mod kit;

use std::time::Duration;

use jiff::Timestamp;
use kit::{Desk, days_ago, note};
use mainstay_core::care::{Consent, Recipient, Verified};
use mainstay_core::engine::{Backend, Engine, EngineError, Offer, ShareStage, SpaceId};
use mainstay_protocol::frame::Refusal;
use mainstay_sync_server::relay::Registration;

const CLIENTS: usize = 3;

fn offer() -> Offer {
    let recipient = Recipient {
        name: "Ana".to_owned(),
        organisation: String::new(),
        role: "counsellor".to_owned(),
        key_fingerprint: [0; 32],
        verified: Verified::Not,
    };
    let now_ms = Timestamp::now().as_millisecond();
    let consent = Consent::given(recipient, "notes:full".parse().unwrap(), "to talk", now_ms);
    Offer {
        name: "a client".to_owned(),
        peer: "Ana".to_owned(),
        consent,
        life_ms: u64::try_from(Duration::from_secs(3600).as_millis()).unwrap(),
    }
}

async fn sync(engine: &Engine) {
    let report = engine.sync().await.unwrap();
    assert_eq!(report.failures, []);
}

/// A person with one note, who shares with the counsellor.
async fn client(desk: &Desk, counsellor: &Engine, name: &str) -> (Engine, SpaceId) {
    let (phone, _) = desk.phone(name, Backend::Redb).await;
    if desk.is_for_invited() {
        phone.set_registration(desk.invitation()).await.unwrap();
    }
    phone.log(note(name), days_ago(0)).await.unwrap();
    let (share, link) = phone.share_invite(offer()).await.unwrap();
    sync(&phone).await;
    counsellor.share_join(&link, "Ana", name).await.unwrap();
    for engine in [counsellor, &phone, counsellor] {
        sync(engine).await;
    }
    phone.share_confirm(share).await.unwrap();
    for engine in [&phone, counsellor, &phone, counsellor, &phone] {
        sync(engine).await;
    }
    (phone, share)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_with_nothing_new_cost_no_turn_beside_the_journals_own() {
    let desk = Desk::new().await;
    let (counsellor, _) = desk.phone("counsellor", Backend::Redb).await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(client(&desk, &counsellor, &format!("client {number}")).await);
    }
    sync(&counsellor).await;
    let shares = counsellor.shares().await.unwrap();
    assert_eq!(shares.len(), CLIENTS);
    assert!(shares.iter().all(|info| info.state == ShareStage::Active && info.records > 0));

    let quiet = counsellor.sync().await.unwrap();
    assert_eq!((quiet.round_trips, quiet.heard, quiet.shared), (1, 0, 0), "{quiet:?}");
    counsellor.suspend().await.unwrap();
    counsellor.resume().await.unwrap();
    let started = counsellor.sync().await.unwrap();
    assert_eq!((started.round_trips, started.heard), (1, 0), "{started:?}");

    // The one turn still finds the one client who has something new.
    let (phone, share) = &clients[1];
    phone.log(note("something new"), days_ago(0)).await.unwrap();
    sync(phone).await;
    let before = counsellor.share_records(*share).await.unwrap().len();
    let news = counsellor.sync().await.unwrap();
    assert_eq!((news.heard, news.failures.len()), (1, 0), "{news:?}");
    assert_eq!(counsellor.share_records(*share).await.unwrap().len(), before + 1);
}

/// Everything that a counsellor holds of a share is on the relay again.
async fn is_whole(engine: &Engine, share: SpaceId) -> bool {
    let infos = engine.shares().await.unwrap();
    let info = infos.iter().find(|info| info.id == share).unwrap();
    info.state == ShareStage::Active && info.waiting == 0 && info.delivered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_relay_for_invited_people_gets_its_shares_back_without_a_new_invitation() {
    for counsellor_first in [false, true] {
        let mut desk = Desk::with(Registration::Invited).await;
        let (counsellor, _) = desk.phone("counsellor", Backend::Redb).await;
        let uninvited = counsellor.sync().await;
        assert!(matches!(uninvited, Err(EngineError::Refused(Refusal::InvitationNeeded))));
        counsellor.set_registration(desk.invitation()).await.unwrap();
        sync(&counsellor).await;
        let (phone, share) = client(&desk, &counsellor, "a client").await;
        sync(&counsellor).await;
        assert!(is_whole(&phone, share).await);

        desk.wipe_relay().await;
        let mut order = [&phone, &counsellor];
        if counsellor_first {
            order.reverse();
        }
        for round in 0..2 {
            for engine in order {
                let report = engine.sync().await.unwrap();
                let early = round == 0 && counsellor_first;
                assert!(early || report.failures.is_empty(), "{report:?}");
            }
        }
        phone.log(note("after the wipe"), days_ago(0)).await.unwrap();
        for engine in [&phone, &counsellor, &phone] {
            sync(engine).await;
        }
        assert!(is_whole(&phone, share).await, "{counsellor_first}");
        assert_eq!(counsellor.share_records(share).await.unwrap().len(), 2);
    }
}

// Broken on purpose: with pauses that did not grow the relay's refusals were the sync's.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_asks_to_wait_a_moment_is_waited_for() {
    let mut desk = Desk::new().await;
    let (counsellor, _) = desk.phone("counsellor", Backend::Redb).await;
    for number in 0..CLIENTS {
        client(&desk, &counsellor, &format!("client {number}")).await;
    }
    sync(&counsellor).await;
    desk.slow_down(50).await;
    // Six requests each: more than the five hundred that the relay takes at once.
    for _ in 0..100 {
        let report = counsellor.sync().await.unwrap();
        assert!(report.failures.is_empty(), "{report:?}");
    }
}
