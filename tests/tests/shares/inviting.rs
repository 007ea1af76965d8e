//! How somebody comes in, and how nobody else does.

use mainstay_core::engine::{EngineError, Handshake, Offer, ShareStage};
use mainstay_core::space::link::LinkError;
use mainstay_core::space::phrase::Phrase;
use mainstay_tests::sharing::{code, consent, seen};
use mainstay_tests::world::World;

use crate::kit::{log, pair};

#[test]
fn nothing_goes_to_anybody_before_the_person_has_compared_the_codes() {
    let mut world = World::new(20);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    log(&world, &mut phone, "mine");
    let (_, mut laptop) = world.counsellor();
    let given = consent("Ana", "notes:full", world.now_ms);
    let (share, text) = world.invite(&mut phone, given).unwrap();
    world.answer(&mut laptop, &text).unwrap();
    for _ in 0..3 {
        let done = world.sync_all(&mut laptop).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
        let done = world.sync_all(&mut phone).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
        assert_eq!(done.pushed, 0);
    }
    assert!(code(&mut phone, &share, world.now_ms).unwrap().is_some());
    assert!(seen(&mut laptop, &share, world.now_ms).is_err());
    phone.replica.decline_share(&share).unwrap();
    world.sync_all(&mut phone).unwrap();
    let done = world.sync_all(&mut laptop).unwrap();
    assert!(matches!(done.failed[..], [(_, EngineError::Link(LinkError::Declined))]), "{done:?}");
}

#[test]
fn one_invitation_lets_one_counsellor_in_once() {
    let mut world = World::new(21);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    let (_, mut first) = world.counsellor();
    let (_, mut second) = world.counsellor();
    let given = consent("Ana", "notes:full", world.now_ms);
    let (share, text) = world.invite(&mut phone, given).unwrap();
    world.answer(&mut first, &text).unwrap();
    world.sync_all(&mut first).unwrap();
    world.answer(&mut second, &text).unwrap();
    let done = world.sync_all(&mut second).unwrap();
    assert!(matches!(done.failed[..], [(_, EngineError::Link(LinkError::Used))]), "{done:?}");
    assert!(matches!(world.answer(&mut first, &text), Err(EngineError::Link(LinkError::Used))));
    world.sync_all(&mut phone).unwrap();
    world.sync_all(&mut first).unwrap();
    phone.replica.confirm_share(&share, world.now_ms).unwrap();
    world.sync_all(&mut phone).unwrap();
    world.sync_all(&mut first).unwrap();
    let infos = first.replica.shares(world.now_ms).unwrap();
    assert_eq!(infos[0].state, ShareStage::Active);
}

#[test]
fn a_handshake_goes_on_after_both_devices_were_switched_off() {
    let mut world = World::new(22);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    log(&world, &mut phone, "mine");
    let (_, mut laptop) = world.counsellor();
    let given = consent("Ana", "notes:full", world.now_ms);
    let (share, text) = world.invite(&mut phone, given).unwrap();
    world.crash(&mut phone).unwrap();
    world.answer(&mut laptop, &text).unwrap();
    world.crash(&mut laptop).unwrap();
    world.sync_all(&mut laptop).unwrap();
    world.crash(&mut laptop).unwrap();
    world.sync_all(&mut phone).unwrap();
    world.crash(&mut phone).unwrap();
    world.sync_all(&mut laptop).unwrap();
    let codes = [&mut phone, &mut laptop].map(|d| code(d, &share, world.now_ms).unwrap());
    assert!(codes[0].is_some() && codes[0] == codes[1], "{codes:?}");
    phone.replica.confirm_share(&share, world.now_ms).unwrap();
    world.crash(&mut phone).unwrap();
    world.sync_all(&mut phone).unwrap();
    world.crash(&mut laptop).unwrap();
    world.sync_all(&mut laptop).unwrap();
    world.sync_all(&mut phone).unwrap();
    world.sync_all(&mut laptop).unwrap();
    assert_eq!(seen(&mut laptop, &share, world.now_ms).unwrap().len(), 1);
}

#[test]
fn a_counsellors_second_device_and_their_phrase_bring_the_share_by_themselves() {
    let mut p = pair(23, "notes:full");
    p.round();
    let mut tablet = p.world.link(&mut p.laptop, "tablet").unwrap();
    p.world.sync_all(&mut tablet).unwrap();
    let done = p.world.sync_all(&mut tablet).unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    let now_ms = p.world.now_ms;
    let shown = seen(&mut p.laptop, &p.share, now_ms).unwrap();
    assert_eq!(seen(&mut tablet, &p.share, now_ms).unwrap(), shown);
    let mut new = p.world.restore(&p.words).unwrap();
    p.world.sync_all(&mut new).unwrap();
    p.world.sync_all(&mut new).unwrap();
    assert_eq!(seen(&mut new, &p.share, now_ms).unwrap(), shown);
}

#[test]
fn the_persons_phrase_brings_their_shares_back() {
    let mut p = pair(24, "notes:full");
    p.round();
    let mut new = p.world.restore(&p.phrase).unwrap();
    for _ in 0..3 {
        let done = p.world.sync_all(&mut new).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
    }
    log(&p.world, &mut new, "from the new phone");
    p.world.sync_all(&mut new).unwrap();
    let done = p.world.sync_all(&mut p.laptop).unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    assert_eq!(seen(&mut p.laptop, &p.share, p.world.now_ms).unwrap().len(), 2);
}

#[test]
fn an_invitation_made_by_a_clock_two_years_ahead_is_opened_once_the_clock_is_right() {
    let mut world = World::new(39);
    let phrase = Phrase::make(&mut world.rng);
    let mut phone = world.phone(&phrase);
    world.sync_all(&mut phone).unwrap();
    let (_, mut laptop) = world.counsellor();
    let ahead_ms = world.now_ms + 2 * 365 * crate::kit::DAY_MS;
    let offer = Offer {
        name: "the person".to_owned(),
        peer: "Ana".to_owned(),
        consent: consent("Ana", "notes:full", ahead_ms),
        life_ms: 24 * 3600 * 1000,
    };
    let (share, invitation) = phone.replica.open_share(&offer, ahead_ms).unwrap();
    let done = world.sync_all(&mut phone).unwrap();
    assert!(done.failed.is_empty(), "{done:?}");
    world.answer(&mut laptop, &invitation.to_text()).unwrap();
    for device in [&mut laptop, &mut phone] {
        let done = world.sync_all(device).unwrap();
        assert!(done.failed.is_empty(), "{done:?}");
    }
    let info = phone.replica.shares(world.now_ms).unwrap().remove(0);
    assert_eq!(info.id, share);
    assert!(matches!(info.state, ShareStage::Invited(Handshake::Compare(_))), "{info:?}");
}
