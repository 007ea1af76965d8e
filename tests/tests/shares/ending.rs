//! How sharing ends, and what is left of it.

use mainstay_core::engine::{EngineError, ShareStage};
use mainstay_core::sync::Local;
use mainstay_tests::sharing::{consent, seen};

use crate::kit::{DAY_MS, edit, log, pair};

#[test]
fn after_a_revoke_the_counsellor_reads_nothing_new_and_gives_back_what_they_had() {
    let mut p = pair(60, "notes:full");
    let id = log(&p.world, &mut p.phone, "before");
    p.round();
    p.check_same(2);
    p.phone.replica.end_share(&p.share, p.world.now_ms).unwrap();
    edit(&p.world, &mut p.phone, id, "after");
    p.world.sync_all(&mut p.phone).unwrap();
    let done = p.world.sync_all(&mut p.laptop).unwrap();
    let now_ms = p.world.now_ms;
    assert!(seen(&mut p.laptop, &p.share, now_ms).unwrap().is_empty(), "{done:?}");
    let infos = p.laptop.replica.shares(now_ms).unwrap();
    assert_eq!(infos[0].state, ShareStage::Ended);
    assert_eq!(p.phone.replica.shares(now_ms).unwrap()[0].state, ShareStage::Ended);
    for _ in 0..2 {
        p.world.sync_all(&mut p.phone).unwrap();
    }
    let done = p.world.sync_all(&mut p.phone).unwrap();
    assert_eq!((done.turns, done.pushed), (0, 0), "{done:?}");
}

#[test]
fn an_expired_consent_stops_on_the_relay_and_on_the_device_and_can_be_given_anew() {
    let mut p = pair(61, "notes:full");
    p.round();
    let before = p.phone.replica.consent_of(&p.share).unwrap().unwrap();
    let mut week = before.clone();
    week.until_ms = Some(p.world.now_ms + 7 * DAY_MS);
    p.phone
        .replica
        .set_consent(&p.share, &week.clone().following(&before), p.world.now_ms)
        .unwrap();
    p.round();
    p.world.now_ms += 8 * DAY_MS;
    log(&p.world, &mut p.phone, "too late");
    p.world.sync_all(&mut p.phone).unwrap();
    let now_ms = p.world.now_ms;
    assert!(matches!(seen(&mut p.laptop, &p.share, now_ms), Err(EngineError::ShareExpired)));
    let _ = p.world.sync_all(&mut p.laptop).unwrap();
    let current = p.phone.replica.consent_of(&p.share).unwrap().unwrap();
    let mut anew = consent("Ana", "notes:full", now_ms);
    anew.recipient = before.recipient.clone();
    p.phone.replica.set_consent(&p.share, &anew.following(&current), now_ms).unwrap();
    p.round();
    p.check_same(2);
}

#[test]
fn a_removed_phone_learns_nothing_new_of_a_share_and_says_nothing_in_it() {
    let mut p = pair(62, "notes:full");
    let mut stolen = p.world.link(&mut p.phone, "stolen").unwrap();
    p.world.sync_all(&mut stolen).unwrap();
    p.round();
    let thief = stolen.replica.author();
    p.phone.replica.ask(mainstay_core::engine::Job::Remove(thief));
    p.world.sync_all(&mut p.phone).unwrap();
    p.round();
    log(&p.world, &mut p.phone, "after the theft");
    p.round();
    p.check_same(2);
    log(&p.world, &mut stolen, "forged");
    let _ = p.world.sync_all(&mut stolen);
    p.round();
    p.check_same(2);
}

#[test]
fn a_counsellor_can_leave_by_themselves() {
    let mut p = pair(63, "notes:full");
    p.round();
    p.laptop.replica.end_share(&p.share, p.world.now_ms).unwrap();
    let done = p.world.sync_all(&mut p.laptop).unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    log(&p.world, &mut p.phone, "after they left");
    let done = p.world.sync_all(&mut p.phone).unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    let infos = p.phone.replica.shares(p.world.now_ms).unwrap();
    assert_eq!(infos[0].state, ShareStage::Empty);
    assert!(seen(&mut p.laptop, &p.share, p.world.now_ms).unwrap().is_empty());
}
