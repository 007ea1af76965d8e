//! Consents: what they cover, how they change, and as bytes.

use proptest::prelude::*;

use super::made::{consent_of, scope};
use super::*;

#[test]
fn a_consent_covers_what_it_names_until_it_is_taken_back() {
    let given = consent("check-ins:count,plan:view");
    assert!(given.covers(Class::CheckIns) && given.covers(Class::Plan));
    assert!(!given.covers(Class::Urges));
    let withdrawn = given.withdrawn(5);
    assert!(Class::ALL.iter().all(|class| !withdrawn.covers(*class)));
    assert_eq!((withdrawn.number, withdrawn.event), (2, Event::Withdrawn));
    let again = consent("check-ins:count").following(&withdrawn);
    assert_eq!((again.number, again.event), (3, Event::Given));
}

#[test]
fn less_of_anything_narrows_and_more_of_anything_widens() {
    let base = || {
        let mut base = consent("urges:items@2026-01-01..2026-06-30,plan:view");
        base.delay_hours = 24;
        base.until_ms = Some(1000);
        base.onward = Onward::TreatingTeam;
        base
    };
    type Change = fn(&mut Consent);
    let narrowing: [Change; 10] = [
        |c| c.scope = "urges:numbers@2026-01-01..2026-06-30,plan:view".parse().unwrap(),
        |c| c.scope = "urges:items@2026-02-01..2026-06-30,plan:view".parse().unwrap(),
        |c| c.scope = "urges:items@2026-01-01..2026-05-30,plan:view".parse().unwrap(),
        |c| c.scope = "plan:view".parse().unwrap(),
        |c| c.scope = "none".parse().unwrap(),
        |c| c.delay_hours = 25,
        |c| c.until_ms = Some(999),
        |c| c.onward = Onward::Nobody,
        // It asks something of the reader, and gives them nothing.
        |c| c.asks_opened = true,
        |_| {},
    ];
    for (at, change) in narrowing.iter().enumerate() {
        let mut changed = base();
        change(&mut changed);
        assert_eq!(changed.change_from(&base()), Event::Narrowed, "{at}");
    }
    let widening: [Change; 13] = [
        |c| c.scope = "urges:full@2026-01-01..2026-06-30,plan:view".parse().unwrap(),
        |c| c.scope = "urges:items@..2026-06-30,plan:view".parse().unwrap(),
        |c| c.scope = "urges:items@2026-01-01..,plan:view".parse().unwrap(),
        |c| c.scope = "urges:items@2026-01-01..2026-06-30,plan:edit".parse().unwrap(),
        |c| c.scope = "urges:count,notes:count".parse().unwrap(),
        |c| c.delay_hours = 23,
        |c| c.until_ms = None,
        |c| c.onward = Onward::AsLawAllows,
        |c| c.counselling_notes = true,
        |c| c.purpose = "research".into(),
        |c| c.recipient.key_fingerprint = [9; 32],
        |c| c.jurisdiction = "DE".into(),
        |c| c.recipient.name = "Somebody Else".into(),
    ];
    for (at, change) in widening.iter().enumerate() {
        let mut changed = base();
        change(&mut changed);
        assert_eq!(changed.change_from(&base()), Event::Widened, "{at}");
    }
}

#[test]
fn two_changes_at_once_that_disagree_about_whom_it_is_for_share_nothing() {
    let (a, mut b) = (consent("urges:full"), consent("urges:full"));
    b.recipient.key_fingerprint = [9; 32];
    assert!(meet(&a, &b).is_withdrawn());
}

#[test]
fn the_longest_consent_in_any_script_fits_its_seal() {
    let max = |bytes: usize| "\u{1f30a}".repeat(bytes / 4);
    let dates = "@2026-01-01..2026-06-30";
    let classes = ["check-ins", "urges", "use", "contacts", "meetings", "notes"];
    let scope: Vec<String> = classes.map(|class| format!("{class}:full{dates}")).into();
    let mut long = consent(&(scope.join(",") + ",plan:edit"));
    long.recipient.name = max(CareLimits::NAME_MAX_BYTES);
    long.recipient.organisation = max(CareLimits::NAME_MAX_BYTES);
    long.recipient.role = max(CareLimits::NAME_MAX_BYTES);
    long.jurisdiction = max(CareLimits::NAME_MAX_BYTES);
    long.purpose = max(CareLimits::PURPOSE_MAX_BYTES);
    long.notice.language = "x".repeat(CareLimits::LANGUAGE_MAX_BYTES);
    (long.number, long.granted_at_ms, long.until_ms) = (u32::MAX, i64::MAX, Some(i64::MAX));
    let bytes = long.to_bytes().unwrap();
    assert!(bytes.len() <= CareLimits::CONSENT_MAX_BYTES, "{}", bytes.len());
    assert_eq!(Consent::from_bytes(&bytes).unwrap(), long);
}

#[test]
fn a_consent_beyond_a_limit_is_neither_written_nor_read() {
    type Change = fn(&mut Consent);
    let changes: [(&str, Change); 10] = [
        ("name", |c| c.recipient.name = " ".into()),
        ("name", |c| c.recipient.name = "x".repeat(CareLimits::NAME_MAX_BYTES + 1)),
        ("organisation", |c| c.recipient.organisation = "x".repeat(257)),
        ("role", |c| c.recipient.role = "x".repeat(257)),
        ("purpose", |c| c.purpose = String::new()),
        ("purpose", |c| c.purpose = "x".repeat(CareLimits::PURPOSE_MAX_BYTES + 1)),
        ("jurisdiction", |c| c.jurisdiction = "x".repeat(257)),
        ("language", |c| c.notice.language = "x".repeat(36)),
        ("delay", |c| c.delay_hours = CareLimits::DELAY_MAX_HOURS + 1),
        ("end", |c| c.until_ms = Some(-1)),
    ];
    for (says, change) in changes {
        let mut bad = consent("urges:full");
        change(&mut bad);
        let error = bad.to_bytes().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(Consent::from_bytes(&bad.cbor()), Err(ConsentError::Invalid(error)));
    }
}

#[test]
fn the_size_of_a_consent_moves_in_steps_and_its_filling_holds_nothing() {
    let bytes = consent("urges:full").to_bytes().unwrap();
    assert_eq!(bytes.len(), CareLimits::CONSENT_STEP_BYTES);
    let mut smuggled = bytes.clone();
    *smuggled.last_mut().unwrap() = 1;
    assert_eq!(Consent::from_bytes(&smuggled), Err(ConsentError::Filling));
    assert_eq!(Consent::from_bytes(&[0; 9000]), Err(ConsentError::Filling));
}

#[test]
fn what_a_newer_version_says_never_widens_what_this_one_reads() {
    let newer = |consent: &Consent| -> Vec<u8> {
        // An unknown field at the end, class 40, detail 41, plan detail 42, onward rule 43, way 44.
        let mut out = Vec::new();
        let mut e = minicbor::Encoder::new(&mut out);
        e.array(15).unwrap().u32(consent.number).unwrap().u32(0).unwrap();
        e.array(5).unwrap().str("M.").unwrap().str("").unwrap().str("").unwrap();
        e.bytes(&[7; 32]).unwrap().u32(44).unwrap();
        e.array(3).unwrap();
        for (class, detail) in [(0, 1), (40, 3), (1, 41)] {
            e.array(2).unwrap().u32(class).unwrap().u32(detail).unwrap();
        }
        e.u32(42).unwrap().u16(0).unwrap().str("care").unwrap();
        e.array(3).unwrap().u32(9).unwrap().str("xx").unwrap().bytes(&[1; 32]).unwrap();
        e.str("").unwrap().u32(43).unwrap().bool(false).unwrap().i64(5).unwrap();
        e.null().unwrap().bool(false).unwrap().str("from a newer version").unwrap();
        out
    };
    let bytes = newer(&consent("none"));
    let read = Consent::from_bytes(&bytes).unwrap();
    assert_eq!(read.scope.to_string(), "check-ins:numbers");
    assert_eq!((read.onward, read.recipient.verified), (Onward::Nobody, Verified::Not));
    assert_eq!(read.notice.text(), None);
    let mut unknown_event = bytes;
    unknown_event[2] = 23;
    assert!(Consent::from_bytes(&unknown_event).unwrap().is_withdrawn());
}

proptest! {
    #![proptest_config(times(4))]

    #[test]
    fn the_meet_is_narrower_than_both_whoever_asks_and_however_often(
        a in consent_of(), b in consent_of(), c in consent_of(),
    ) {
        let both = meet(&a, &b);
        prop_assert!(both.is_narrower_than(&a) && both.is_narrower_than(&b));
        prop_assert_eq!(&both, &meet(&b, &a));
        prop_assert_eq!(&meet(&a, &a), &a);
        // It may be read as a change, so that its event is set where a device publishes it.
        prop_assert_eq!(meet(&both, &both), both.clone());
        prop_assert!(a.is_narrower_than(&a));
        // The broadest that is narrower than both: whatever else is, is within it.
        if c.is_narrower_than(&a) && c.is_narrower_than(&b) && !c.is_withdrawn() {
            prop_assert!(c.is_narrower_than(&both));
        }
    }

    #[test]
    fn a_consent_survives_its_bytes(consent in consent_of()) {
        let bytes = consent.to_bytes().unwrap();
        prop_assert_eq!(bytes.len() % CareLimits::CONSENT_STEP_BYTES, 0);
        prop_assert_eq!(Consent::from_bytes(&bytes).unwrap(), consent);
    }

    #[test]
    fn altered_bytes_of_a_consent_never_panic(
        consent in consent_of(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = consent.to_bytes().unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Consent::from_bytes(&bytes) {
            prop_assert!(read.validate().is_ok());
            let _ = meet(&read, &consent);
        }
        let _ = Consent::from_bytes(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn a_scope_prints_what_it_reads(scope in scope()) {
        prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
    }

    #[test]
    fn reading_any_text_as_a_scope_never_panics(text in "[a-z:,@.0-9\u{e9} -]{0,60}") {
        let _ = text.parse::<Scope>();
    }
}
