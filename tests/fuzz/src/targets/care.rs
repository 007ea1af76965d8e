//! What members of a share write for each other.

use mainstay_core::care::{
    CareLimits, Consent, Editing, PlanEdits, Recipient, RecordId, Role, Scope, SharedBody,
    SharedEntry, SharedItem, SharedPlan, SharedRecord, Taken, Target as On, Verified, WrittenEdit,
    may_write, meet, project, to_json,
};
use mainstay_core::document::Row;
use mainstay_core::journal::{Fields, Patch, Value};
use mainstay_core::ndjson;
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_protocol::codec;

use super::entries::{LINES, now, row};
use super::{Bound, Target, WIRE};
use crate::mutate::Form;

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "shared-records",
        form: Form::Bytes,
        max_bytes: CareLimits::RECORD_MAX_BYTES + 1,
        // What a record may unpack to, as lists of small things.
        bound: Bound { base_bytes: CareLimits::RECORD_MAX_UNPACKED_BYTES * 60, times: 400 },
        examples: record_examples,
        run: records,
    },
    Target {
        name: "consents",
        form: Form::Bytes,
        max_bytes: CareLimits::CONSENT_MAX_BYTES + 1,
        bound: WIRE,
        examples: consent_examples,
        run: consents,
    },
];

fn rows() -> Vec<Row> {
    let imports = LINES.iter().map(|line| ndjson::parse_line(line, now()).unwrap());
    imports.map(|import| row(&import).unwrap()).collect()
}

fn consent(scope: &str) -> Consent {
    let recipient = Recipient {
        name: "M. Vogt".into(),
        organisation: "Beratungsstelle Nord".into(),
        role: "counsellor".into(),
        key_fingerprint: [7; 32],
        verified: Verified::InPerson,
    };
    let scope: Scope = scope.parse().unwrap();
    Consent::given(recipient, scope, "at my own request", 1_790_000_000_000)
}

const FULL: &str = "check-ins:full,urges:full,use:full,contacts:full,meetings:full,notes:full@2026-01-01..,plan:edit";

fn bodies() -> Vec<SharedBody> {
    let (item, record) = (ItemId::from_bytes([1; 16]), RecordId::from_bytes([2; 16]));
    let at_ms = 1_795_000_000_000;
    let text = "Walk with Jonas on Fridays".to_owned();
    let section = Section::CopingSkills;
    let details = Fields::from([("steps".to_owned(), Value::Json(serde_json::json!(["a"])))]);
    let edit = |edit| WrittenEdit { edit, at_ms };
    let edits = vec![
        edit(PlanEdit::Add {
            id: item,
            section: section.clone(),
            text: text.clone(),
            details: Fields::new(),
            position: Some(0),
        }),
        edit(PlanEdit::Edit { id: item, text: Some(text.clone()), details: Patch::new() }),
        edit(PlanEdit::Move { id: item, section: Section::Reasons, position: 1 }),
        edit(PlanEdit::Remove { id: item }),
    ];
    let taken = vec![Taken { record, last: 3, refused: vec![2] }];
    let shown = SharedItem {
        id: item,
        section: section.clone(),
        text: text.clone(),
        details: Fields::new(),
    };
    let plan = SharedPlan {
        items: vec![shown],
        editing: Some(Editing { version: vec![4; 320].into(), taken }),
    };
    let on = On::Item(item);
    let mut bodies: Vec<SharedBody> = rows()
        .iter()
        .filter_map(|row| project(row, &consent(FULL), at_ms, mainstay_core::care::Choice::Rule))
        .map(SharedBody::Entry)
        .collect();
    bodies.extend([
        SharedBody::Gone,
        SharedBody::Plan(plan),
        SharedBody::Comment { on: On::Record(record), text: text.clone(), written_at_ms: at_ms },
        SharedBody::Proposal {
            section,
            item: Some(item),
            text,
            details,
            why: "It helped before.".into(),
            written_at_ms: at_ms,
        },
        SharedBody::Decision { proposal: record, accepted: true, at_ms },
        SharedBody::Opened { on: Some(on), at_ms },
        SharedBody::Opened { on: None, at_ms },
        SharedBody::Edits(PlanEdits { base: vec![5; 320].into(), first: 1, edits }),
        SharedBody::Unreadable,
    ]);
    bodies
}

fn record_examples() -> Vec<Vec<u8>> {
    let record = |body| SharedRecord { id: RecordId::from_bytes([6; 16]), counter: 3, body };
    let mut examples = Vec::new();
    for record in bodies().into_iter().map(record) {
        examples.push(record.to_bytes().unwrap());
        examples.push([&[0][..], &codec::encode(&record)].concat());
    }
    // Within what may be unpacked, and far beyond what a field may hold.
    let wide = Fields::from([("note".to_owned(), Value::Json(vec![0; 900_000].into()))]);
    let entry = SharedEntry { kind: "note".into(), at: "2026-03-29".into(), fields: wide };
    examples.push(mainstay_core::chapter::pack(&record(SharedBody::Entry(entry))));
    examples
}

fn records(input: &[u8]) -> bool {
    let record = match SharedRecord::from_bytes(input) {
        Ok(record) => record,
        Err(error) => return error.to_string().is_empty(),
    };
    let again = SharedRecord::from_bytes(&record.to_bytes().expect("what was read can be written"));
    assert!(again.as_ref() == Ok(&record), "{record:?}");
    let _ = (to_json(&record).to_string(), record.sort_key_ms());
    let _ = [Role::Owner, Role::Counsellor].map(|role| may_write(role, &record.body));
    match &record.body {
        SharedBody::Plan(plan) => {
            let _ = bodies_edits().map(|edits| edited(plan, &edits));
        }
        SharedBody::Edits(edits) => {
            let _ = edits.last();
            let grown = edits.edits.iter().fold(
                PlanEdits { base: edits.base.clone(), first: edits.first, edits: Vec::new() },
                |grown, written| grown.with(written.clone(), 0),
            );
            edited(&SharedPlan::default(), &grown);
        }
        _ => {}
    }
    true
}

fn bodies_edits() -> Option<PlanEdits> {
    bodies().into_iter().find_map(|body| match body {
        SharedBody::Edits(edits) => Some(edits),
        _ => None,
    })
}

/// Somebody else's changes in a plan that somebody else wrote.
fn edited(plan: &SharedPlan, edits: &PlanEdits) {
    for written in &edits.edits {
        let _ = plan.check(&written.edit);
    }
    let _ = plan.with_edits(edits.edits.iter().map(|written| &written.edit));
}

fn consent_examples() -> Vec<Vec<u8>> {
    let mut narrow = consent("check-ins:numbers@2026-01-01..2026-06-30,plan:view");
    narrow.until_ms = Some(1_900_000_000_000);
    narrow.delay_hours = 48;
    narrow.asks_opened = true;
    let all = [consent(FULL), narrow.clone(), narrow.withdrawn(1_795_000_000_000), consent("none")];
    all.iter().map(|consent| consent.to_bytes().unwrap()).collect()
}

fn consents(input: &[u8]) -> bool {
    let read = match Consent::from_bytes(input) {
        Ok(consent) => consent,
        Err(error) => return error.to_string().is_empty(),
    };
    let again = Consent::from_bytes(&read.to_bytes().expect("what was read can be written"));
    assert!(again.as_ref() == Ok(&read));
    let full = consent(FULL);
    // What both agree to is what both show at most, whichever comes first.
    let both = meet(&read, &full);
    assert!(both.is_narrower_than(&read) && both.is_narrower_than(&full));
    let _ = (read.change_from(&full), full.change_from(&read), read.notice.text());
    let _ = (read.is_over(i64::MAX), read.withdrawn(i64::MIN), read.clone().following(&full));
    for row in rows().iter().take(3) {
        let choice = mainstay_core::care::Choice::Rule;
        let _ = project(row, &read, 1_795_000_000_000, choice);
        let _ = mainstay_core::care::due_ms(row, &read);
    }
    true
}
