//! Records: what a member may write, limits, and bytes of hostile members.

use mainstay_protocol::codec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::chapter::{PackError, pack};
use crate::journal::Limits;
use crate::plan::{ItemId, PlanEdit, PlanLimits, Section};

fn entry() -> SharedEntry {
    let urge = row(
        "urge",
        "2026-03-29T09:30:00+02:00",
        &[("intensity", Value::Int(80)), ("note", "x".into())],
    );
    project(&urge, &consent("urges:full"), now(), Choice::Rule).unwrap()
}

fn comment(text: &str) -> SharedBody {
    let on = Target::Record(RecordId::from_bytes([1; 16]));
    SharedBody::Comment { on, text: text.into(), written_at_ms: now() }
}

fn proposal() -> SharedBody {
    SharedBody::Proposal {
        section: Section::CopingSkills,
        item: Some(ItemId::from_bytes([2; 16])),
        text: "walk by the river".into(),
        details: [("steps".to_owned(), Value::Str("shoes, key".into()))].into(),
        why: "it helped in March".into(),
        written_at_ms: now(),
    }
}

fn edits() -> PlanEdits {
    let add = PlanEdit::Add {
        id: ItemId::from_bytes([6; 16]),
        section: Section::CopingSkills,
        text: "walk by the river".into(),
        details: Fields::new(),
        position: None,
    };
    PlanEdits {
        base: vec![1, 2, 3].into(),
        first: 1,
        edits: vec![WrittenEdit { edit: add, at_ms: now() }],
    }
}

fn bodies() -> Vec<SharedBody> {
    let item = SharedItem {
        id: ItemId::from_bytes([3; 16]),
        section: Section::Other("own".into()),
        text: "call Jonas".into(),
        details: Fields::new(),
    };
    vec![
        SharedBody::Entry(entry()),
        SharedBody::Gone,
        SharedBody::Plan(SharedPlan { items: vec![item], editing: None }),
        comment("I am glad that you called."),
        proposal(),
        SharedBody::Decision {
            proposal: RecordId::from_bytes([4; 16]),
            accepted: true,
            at_ms: now(),
        },
        SharedBody::Edits(edits()),
        SharedBody::Opened { on: None, at_ms: now() },
        SharedBody::Opened { on: Some(Target::Item(ItemId::from_bytes([5; 16]))), at_ms: 0 },
    ]
}

#[test]
fn every_record_survives_its_bytes_and_a_record_id_its_text() {
    for body in bodies() {
        let record = record(body);
        assert_eq!(SharedRecord::from_bytes(&record.to_bytes().unwrap()).unwrap(), record);
        assert_eq!(record.id.to_string().parse::<RecordId>().unwrap(), record.id);
    }
    assert!("5A".repeat(16).parse::<RecordId>().is_err());
}

#[test]
fn the_owner_shows_and_decides_and_a_counsellor_comments_and_proposes() {
    let may = |role| -> Vec<&str> {
        let mut may: Vec<&str> =
            bodies().iter().filter(|body| may_write(role, body)).map(SharedBody::code).collect();
        may.dedup();
        may
    };
    assert_eq!(may(Role::Owner), ["entry", "gone", "plan", "comment", "decision"]);
    assert_eq!(may(Role::Counsellor), ["gone", "comment", "proposal", "edits", "opened"]);
    assert!(!may_write(Role::Owner, &SharedBody::Unreadable));
    assert!(!may_write(Role::Counsellor, &SharedBody::Unreadable));
}

#[test]
fn an_entry_prints_in_the_shape_of_a_row() {
    let json = to_json(&record(SharedBody::Entry(entry())));
    assert_eq!(
        json,
        json!({
            "id": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "kind": "urge", "edited": false,
            "at": "2026-03-29T09:30:00+02:00", "recorded": "2026-03-30T08:00:00Z",
            "intensity": 80, "note": "x",
        })
    );
    let own = row("urge", "2026-03-29T09:30:00+02:00", &[("intensity", Value::Int(80))]);
    let own_json = crate::ndjson::to_json(&own);
    let keys = |json: &serde_json::Value| -> Vec<String> {
        json.as_object().unwrap().keys().filter(|key| *key != "note").cloned().collect()
    };
    assert_eq!(keys(&json), keys(&own_json));
    assert_eq!(entry().sort_key_ms(), own.sort_key_ms());
}

#[test]
fn what_is_not_an_entry_prints_what_it_says() {
    let json = to_json(&record(proposal()));
    assert_eq!(json["kind"], "proposal");
    assert_eq!(json["details"]["steps"], "shoes, key");
    assert_eq!(json["written"], "2026-04-01T00:00:00Z");
    assert_eq!(to_json(&record(SharedBody::Gone))["kind"], "gone");
    assert_eq!(to_json(&record(comment("x")))["on"]["record"], "01".repeat(16));
}

#[test]
fn what_exceeds_a_limit_is_neither_written_nor_read() {
    let with = |change: fn(&mut SharedEntry)| {
        let mut entry = entry();
        change(&mut entry);
        record(SharedBody::Entry(entry))
    };
    let proposal_with = |change: fn(&mut String, &mut Fields, &mut String)| {
        let SharedBody::Proposal { section, item, mut text, mut details, mut why, written_at_ms } =
            proposal()
        else {
            panic!("a proposal");
        };
        change(&mut text, &mut details, &mut why);
        record(SharedBody::Proposal { section, item, text, details, why, written_at_ms })
    };
    let long = "x".repeat(PlanLimits::TEXT_MAX_BYTES + 1);
    let bad = [
        SharedRecord { counter: CareLimits::COUNTER_MAX + 1, ..record(SharedBody::Gone) },
        with(|e| e.kind = String::new()),
        with(|e| e.kind = "x".repeat(Limits::SHORT_MAX_BYTES + 1)),
        with(|e| e.at = "yesterday".into()),
        with(|e| e.at = " ".repeat(10_000)),
        with(|e| drop(e.fields.insert("id".into(), "x".into()))),
        with(|e| drop(e.fields.insert("edited".into(), Value::Bool(true)))),
        with(|e| drop(e.fields.insert("No Name".into(), Value::Int(1)))),
        with(|e| drop(e.fields.insert("recorded".into(), "x".into()))),
        with(|e| drop(e.fields.insert("recorded".into(), Value::Int(1)))),
        with(|e| {
            e.fields.insert("a".into(), Value::Str("x".repeat(CareLimits::VALUE_MAX_BYTES + 1)));
        }),
        with(|e| e.fields.extend((0..65).map(|at| (format!("f{at}"), Value::Int(1))))),
        record(comment(" ")),
        record(comment(&"x".repeat(CareLimits::COMMENT_MAX_BYTES + 1))),
        record(SharedBody::Opened { on: None, at_ms: -1 }),
        record(SharedBody::Opened { on: None, at_ms: i64::MAX }),
        proposal_with(|text, _, _| text.clear()),
        proposal_with(|_, details, _| drop(details.insert("Bad".into(), Value::Int(1)))),
        proposal_with(|_, details, _| {
            let long = "x".repeat(PlanLimits::DETAIL_MAX_BYTES + 1);
            details.insert("steps".into(), Value::Str(long));
        }),
        proposal_with(|_, _, why| *why = "x".repeat(CareLimits::WHY_MAX_BYTES + 1)),
        record(SharedBody::Proposal {
            section: Section::Helped,
            item: None,
            text: long,
            details: Fields::new(),
            why: String::new(),
            written_at_ms: 0,
        }),
    ];
    for (at, record) in bad.iter().enumerate() {
        let written = record.to_bytes();
        assert!(matches!(written, Err(RecordError::Invalid(_))), "{at}: {written:?}");
        let read = SharedRecord::from_bytes(&pack(record));
        assert!(matches!(read, Err(RecordError::Invalid(_))), "{at}: {read:?}");
    }
}

#[test]
fn a_record_that_does_not_fit_an_envelope_is_refused_and_a_bomb_ends_at_the_limit() {
    use rand_chacha::rand_core::{Rng, SeedableRng};
    let mut noise = vec![0u8; 100 * 1024];
    rand_chacha::ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut noise);
    let hex: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut large = entry();
    for (at, part) in hex.as_bytes().chunks(CareLimits::VALUE_MAX_BYTES / 2).enumerate() {
        let text = String::from_utf8(part.to_vec()).unwrap();
        large.fields.insert(format!("f{at}"), Value::Str(text.clone() + &text));
    }
    // Hexadecimal digits pack by half, so this is just short of the limit; twice as many are not.
    let fits = record(SharedBody::Entry(large.clone())).to_bytes().unwrap();
    assert!(SharedRecord::from_bytes(&fits).is_ok());
    for (at, part) in hex.as_bytes().rchunks(CareLimits::VALUE_MAX_BYTES / 2).enumerate() {
        let text: String = part.iter().rev().map(|byte| char::from(*byte)).collect();
        large.fields.insert(format!("g{at}"), Value::Str(text));
    }
    let error = record(SharedBody::Entry(large)).to_bytes().unwrap_err();
    assert_eq!(error, RecordError::TooLarge { max: CareLimits::RECORD_MAX_BYTES });
    let bomb = pack(&record(comment(&"a".repeat(30 << 20))));
    assert!(bomb.len() < CareLimits::RECORD_MAX_BYTES);
    let limit_bytes = CareLimits::RECORD_MAX_UNPACKED_BYTES;
    let error = SharedRecord::from_bytes(&bomb).unwrap_err();
    assert_eq!(error, RecordError::Pack(PackError::TooLarge { limit_bytes }));
}

#[test]
fn a_body_from_a_newer_version_is_unreadable_and_its_record_is_read() {
    let newer = |body: &dyn Fn(&mut minicbor::Encoder<&mut Vec<u8>>)| {
        let mut bytes = vec![0]; // packed without compression
        let mut e = minicbor::Encoder::new(&mut bytes);
        e.array(4).unwrap().bytes(&[9; 16]).unwrap().u64(7).unwrap();
        body(&mut e);
        e.str("a field that comes later").unwrap();
        SharedRecord::from_bytes(&bytes).unwrap()
    };
    let unknown = newer(&|e| {
        e.array(2).unwrap().u32(90).unwrap().array(1).unwrap().str("x").unwrap();
    });
    assert_eq!((unknown.counter, unknown.body), (7, SharedBody::Unreadable));
    let unknown_target = newer(&|e| {
        e.array(2).unwrap().u32(3).unwrap().array(3).unwrap();
        e.array(2).unwrap().u32(90).unwrap().array(0).unwrap();
        e.str("text").unwrap().i64(5).unwrap();
    });
    assert_eq!(unknown_target.body, SharedBody::Unreadable);
    let more_fields = newer(&|e| {
        e.array(2).unwrap().u32(6).unwrap().array(3).unwrap();
        e.null().unwrap().i64(5).unwrap().str("new").unwrap();
    });
    assert_eq!(more_fields.body, SharedBody::Opened { on: None, at_ms: 5 });
}

proptest! {
    #![proptest_config(times(4))]

    #[test]
    fn altered_bytes_of_a_record_never_panic(
        which in 0..8usize,
        squeezed in any::<bool>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let record = record(bodies().swap_remove(which));
        let mut bytes = match squeezed {
            true => record.to_bytes().unwrap(),
            false => [vec![0], codec::encode(&record)].concat(),
        };
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = SharedRecord::from_bytes(&bytes) {
            prop_assert!(read.validate().is_ok());
            let _ = (to_json(&read), read.sort_key_ms());
        }
        let _ = SharedRecord::from_bytes(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn random_bytes_are_no_record_and_no_consent(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = SharedRecord::from_bytes(&bytes);
        let _ = SharedRecord::from_bytes(&[vec![0], bytes.clone()].concat());
        let _ = Consent::from_bytes(&bytes);
    }
}
