//! "Opened": told only while both sides want it.

use mainstay_core::care::SharedBody;
use mainstay_core::engine::{EngineError, ShareInfo};
use mainstay_tests::world::Phone;

use crate::kit::{Pair, log, pair};

const HOUR_MS: i64 = 3_600_000;

fn info(device: &mut Phone, now_ms: i64) -> ShareInfo {
    device.replica.shares(now_ms).unwrap().remove(0)
}

/// What the person sees of it.
fn opened(p: &mut Pair) -> Option<i64> {
    let members = info(&mut p.phone, p.world.now_ms).members;
    let reader = members.into_iter().find(|member| !member.owner).unwrap();
    reader.opened_ms
}

fn ask(p: &mut Pair, asks: bool) {
    let mut consent = p.phone.replica.consent_of(&p.share).unwrap().unwrap();
    consent.asks_opened = asks;
    p.phone.replica.set_consent(&p.share, &consent, p.world.now_ms).unwrap();
    p.round();
}

fn tell(p: &mut Pair, tells: bool) {
    p.laptop.replica.tell_opened(&p.share, tells, p.world.now_ms).unwrap();
    p.round();
}

/// The counsellor opens it, and both sides sync. Whether it was told.
fn open(p: &mut Pair) -> bool {
    let told = p.laptop.replica.note_opened(&p.share, p.world.now_ms).unwrap();
    p.round();
    told
}

#[test]
fn opening_is_told_only_while_the_person_asks_and_the_counsellor_tells() {
    let mut p = pair(90, "notes:full");
    p.round();
    assert!(!open(&mut p));
    tell(&mut p, true);
    assert!(!open(&mut p), "nobody asked");
    tell(&mut p, false);
    ask(&mut p, true);
    assert!(!open(&mut p), "the counsellor has not switched it on");
    assert_eq!(opened(&mut p), None);

    tell(&mut p, true);
    assert!(info(&mut p.laptop, p.world.now_ms).tells_opened);
    assert!(open(&mut p));
    let hour_ms = p.world.now_ms / HOUR_MS * HOUR_MS;
    assert_eq!(opened(&mut p), Some(hour_ms));
    assert!(!open(&mut p), "twice in an hour");
    p.world.now_ms += HOUR_MS;
    assert!(open(&mut p));
    assert_eq!(opened(&mut p), Some(hour_ms + HOUR_MS));
    assert!(info(&mut p.phone, p.world.now_ms).delivered);

    ask(&mut p, false);
    p.world.now_ms += HOUR_MS;
    assert!(!open(&mut p), "it is not asked any more");
    assert_eq!(opened(&mut p), None);
    ask(&mut p, true);
    assert_eq!(opened(&mut p), Some(hour_ms + HOUR_MS));
    tell(&mut p, false);
    assert_eq!(opened(&mut p), None, "it was taken back");
    assert!(!open(&mut p));
}

#[test]
fn two_devices_of_a_counsellor_tell_it_in_one_place() {
    let mut p = pair(91, "notes:full");
    ask(&mut p, true);
    tell(&mut p, true);
    assert!(open(&mut p));
    let mut tablet = p.world.link(&mut p.laptop, "tablet").unwrap();
    for _ in 0..2 {
        p.round();
        p.world.sync_all(&mut tablet).unwrap();
    }
    let now_ms = p.world.now_ms;
    assert!(!tablet.replica.note_opened(&p.share, now_ms).unwrap(), "the laptop has told it");
    p.world.now_ms += HOUR_MS;
    let now_ms = p.world.now_ms;
    assert!(tablet.replica.note_opened(&p.share, now_ms).unwrap());
    p.world.sync_all(&mut tablet).unwrap();
    p.round();
    assert_eq!(opened(&mut p), Some(now_ms / HOUR_MS * HOUR_MS));
    tell(&mut p, false);
    p.world.sync_all(&mut tablet).unwrap();
    assert_eq!(opened(&mut p), None);
}

#[test]
fn it_is_no_word_in_the_share_and_nobody_elses_to_say() {
    let mut p = pair(92, "notes:full");
    log(&p.world, &mut p.phone, "a day");
    ask(&mut p, true);
    tell(&mut p, true);
    assert!(open(&mut p));
    let now_ms = p.world.now_ms;
    for device in [&mut p.phone, &mut p.laptop] {
        let heard = device.replica.heard(&p.share, now_ms).unwrap();
        assert!(!heard.is_empty());
        assert!(heard.iter().all(|heard| !matches!(heard.record.body, SharedBody::Opened { .. })));
    }
    let refused = p.laptop.replica.say_in(&p.share, SharedBody::Gone, now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)));
    let body = SharedBody::Opened { on: None, at_ms: now_ms };
    let refused = p.laptop.replica.say_in(&p.share, body, now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)));
    let refused = p.phone.replica.note_opened(&p.share, now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)));
    let refused = p.phone.replica.tell_opened(&p.share, true, now_ms);
    assert!(matches!(refused, Err(EngineError::NotYours)));
}

// Broken on purpose: without `Side::settle_opened` in what is given it failed.
#[test]
fn what_was_noted_without_a_network_is_not_told_once_either_side_has_had_enough() {
    let mut p = pair(93, "notes:full");
    ask(&mut p, true);
    tell(&mut p, true);
    // The person stops asking before the note leaves the laptop.
    assert!(p.laptop.replica.note_opened(&p.share, p.world.now_ms).unwrap());
    let mut consent = p.phone.replica.consent_of(&p.share).unwrap().unwrap();
    consent.asks_opened = false;
    p.phone.replica.set_consent(&p.share, &consent, p.world.now_ms).unwrap();
    p.round();
    ask(&mut p, true);
    assert_eq!(opened(&mut p), None);
    assert_eq!(info(&mut p.laptop, p.world.now_ms).waiting, 0);

    // Another device of the counsellor's switches it off before the note leaves this one.
    let mut tablet = p.world.link(&mut p.laptop, "tablet").unwrap();
    for _ in 0..2 {
        p.round();
        p.world.sync_all(&mut tablet).unwrap();
    }
    let now_ms = p.world.now_ms;
    assert!(p.laptop.replica.note_opened(&p.share, now_ms).unwrap());
    tablet.replica.tell_opened(&p.share, false, now_ms).unwrap();
    p.world.sync_all(&mut tablet).unwrap();
    p.round();
    assert_eq!(opened(&mut p), None);
    // What this device told before it heard of that is taken back by itself.
    tablet.replica.tell_opened(&p.share, true, now_ms).unwrap();
    p.world.sync_all(&mut tablet).unwrap();
    p.round();
    assert!(open(&mut p));
    p.world.sync_all(&mut tablet).unwrap();
    assert!(opened(&mut p).is_some());
    tablet.replica.tell_opened(&p.share, false, now_ms).unwrap();
    p.world.sync_all(&mut tablet).unwrap();
    p.round();
    assert_eq!(opened(&mut p), None);
}
