//! What the members of a share say to each other, and consents.

use jiff::civil::date;
use mainstay_core::care::{
    Class, ClassScope, Consent, Detail, Editing, Notice, Onward, PlanDetail, PlanEdits, Recipient,
    RecordId, Scope, SharedBody, SharedEntry, SharedItem, SharedPlan, SharedRecord, Taken, Target,
    Verified, WrittenEdit,
};
use mainstay_core::journal::{Fields, Patch, Value};
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_protocol::codec;

use crate::samples::Samples;
use crate::{ID, fields};

const AT_MS: i64 = 1_770_000_000_000;
const RECORD: RecordId = RecordId::from_bytes([2; 16]);
const ITEM: ItemId = ItemId::from_bytes(ID);

fn details() -> Fields {
    Fields::from([("steps".to_owned(), Value::from("kettle, cup, window"))])
}

fn edits() -> [(&'static str, PlanEdit); 5] {
    let section = Section::from("coping-skills");
    let patch = Patch::from([("steps".to_owned(), None), ("about".to_owned(), Some("tea".into()))]);
    let text = "tea with Noor".to_owned();
    let add = PlanEdit::Add {
        id: ITEM,
        section: section.clone(),
        text: text.clone(),
        details: details(),
        position: Some(3),
    };
    [
        ("add", add),
        ("edit", PlanEdit::Edit { id: ITEM, text: Some(text), details: patch }),
        ("move", PlanEdit::Move { id: ITEM, section, position: 0 }),
        ("remove", PlanEdit::Remove { id: ITEM }),
        ("restore", PlanEdit::Restore { id: ITEM }),
    ]
}

fn plan() -> SharedPlan {
    let item = SharedItem {
        id: ITEM,
        section: Section::from("supports"),
        text: "call Noor".to_owned(),
        details: details(),
    };
    let taken = vec![Taken { record: RECORD, last: 9, refused: vec![7, 8] }];
    SharedPlan { items: vec![item], editing: Some(Editing { version: vec![1; 24].into(), taken }) }
}

fn bodies() -> Vec<(&'static str, SharedBody)> {
    let entry = SharedEntry {
        kind: "urge".to_owned(),
        at: "2026-03-02T08:00:00+01:00[Europe/Berlin]".to_owned(),
        fields: fields(),
    };
    let written = edits().into_iter().take(4).map(|(_, edit)| WrittenEdit { edit, at_ms: AT_MS });
    let edited = PlanEdits { base: vec![1; 24].into(), first: 4, edits: written.collect() };
    let on = Target::Record(RECORD);
    vec![
        ("entry", SharedBody::Entry(entry)),
        ("gone", SharedBody::Gone),
        ("plan", SharedBody::Plan(plan())),
        ("comment", SharedBody::Comment { on, text: "well done".into(), written_at_ms: AT_MS }),
        (
            "proposal",
            SharedBody::Proposal {
                section: Section::from("rules"),
                item: None,
                text: "if it is late, then tea".to_owned(),
                details: Fields::from([("if".to_owned(), Value::from("it is late"))]),
                why: "as you said".to_owned(),
                written_at_ms: AT_MS,
            },
        ),
        ("decision", SharedBody::Decision { proposal: RECORD, accepted: true, at_ms: AT_MS }),
        ("opened", SharedBody::Opened { on: Some(Target::Item(ITEM)), at_ms: AT_MS }),
        ("edits", SharedBody::Edits(edited)),
    ]
}

#[test]
fn what_is_said_in_a_share_keeps_its_bytes() {
    let mut samples = Samples::new("records.hex");
    for (name, body) in bodies() {
        samples.add(&format!("body_{name}"), &body);
        let record = SharedRecord { id: RECORD, counter: 300, body };
        samples.add(&format!("record_{name}"), &record);
        assert_eq!(SharedRecord::from_bytes(&record.to_bytes().unwrap()).unwrap(), record);
    }
    for (name, edit) in edits() {
        samples.add(&format!("edit_{name}"), &edit);
    }
    for target in [Target::Record(RECORD), Target::Item(ITEM), Target::Plan] {
        let name = match target {
            Target::Record(_) => "record",
            Target::Item(_) => "item",
            _ => "plan",
        };
        samples.add(&format!("target_{name}"), &target);
    }
    samples.check();
}

#[test]
fn what_a_newer_version_says_in_a_share_is_kept_as_unreadable() {
    // A body of a form without a number here.
    let record = SharedRecord { id: RECORD, counter: 300, body: SharedBody::Gone };
    let mut bytes = codec::encode(&record);
    let at = bytes.len() - 2;
    assert_eq!(bytes[at..], [1, 0x80], "the number of what is gone, without fields");
    bytes[at] = 23;
    let newer = codec::decode::<SharedRecord>(&bytes).unwrap();
    assert_eq!(newer, SharedRecord { body: SharedBody::Unreadable, ..record });
}

fn consent() -> Consent {
    let mut scope = Scope::default();
    let (since, until) = (Some(date(2026, 1, 1)), Some(date(2026, 6, 30)));
    for (class, detail) in Class::ALL.iter().zip(Detail::ALL.iter().cycle()) {
        if *class != Class::Plan {
            scope.set(*class, Some(ClassScope { detail: *detail, since, until }));
        }
    }
    scope.set_plan(Some(PlanDetail::Edit));
    let recipient = Recipient {
        name: "Ines".to_owned(),
        organisation: "Clinic on the hill".to_owned(),
        role: "counsellor".to_owned(),
        key_fingerprint: [3; 32],
        verified: Verified::InPerson,
    };
    Consent {
        number: 300,
        delay_hours: 48,
        notice: Notice { version: 1, language: "en".to_owned(), hash: [4; 32] },
        jurisdiction: "DE".to_owned(),
        onward: Onward::TreatingTeam,
        counselling_notes: true,
        asks_opened: true,
        until_ms: Some(AT_MS + 1),
        ..Consent::given(recipient, scope, "to talk about it on Mondays", AT_MS)
    }
}

#[test]
fn consents_keep_their_bytes() {
    let mut samples = Samples::new("consents.hex");
    let full = consent();
    let taken_back = full.withdrawn(AT_MS + 2);
    let bare = Consent {
        asks_opened: false,
        counselling_notes: false,
        until_ms: None,
        scope: Scope::default(),
        ..full.clone()
    };
    for (name, consent) in [("full", full), ("taken_back", taken_back), ("bare", bare)] {
        let bytes = consent.to_bytes().unwrap();
        assert_eq!(Consent::from_bytes(&bytes).unwrap(), consent, "{name}");
        samples.add_bytes(name, bytes);
    }
    samples.check();
}
