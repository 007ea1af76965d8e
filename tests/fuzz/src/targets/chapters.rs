//! What envelopes hold: payloads, bundles and pages, packed.

use mainstay_core::chapter::{Bundle, BundledDoc, EntryChange, Page, Payload, pack};
use mainstay_core::document::{EntryDoc, Heads, PlanDoc, Row};
use mainstay_core::journal::{EntryId, Value};
use mainstay_core::ndjson;
use mainstay_core::space::slot::SlotName;
use mainstay_protocol::codec;
use mainstay_protocol::limits::MAX_PAYLOAD_BYTES;

use super::entries::{LINES, now, row};
use super::{Bound, Target};
use crate::mutate::Form;

/// What a payload may unpack to, and what a list of small things in that takes; see the targets of
/// the wire. What is unpacked is read twice.
const PAYLOAD: Bound = Bound { base_bytes: 16 * MAX_PAYLOAD_BYTES * 60, times: 200 };
/// The same for a bundle or a page, of 64 MiB.
const MONTH: Bound = Bound { base_bytes: 64 << 24, times: 200 };

const fn target(
    name: &'static str,
    examples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
) -> Target {
    Target { name, form: Form::Bytes, max_bytes: 512 * 1024, bound: MONTH, examples, run }
}

pub(super) const TARGETS: &[Target] = &[
    Target {
        max_bytes: MAX_PAYLOAD_BYTES,
        bound: PAYLOAD,
        ..target("payloads", payload_examples, payloads)
    },
    target("bundles", bundle_examples, bundles),
    target("pages", page_examples, pages),
];

/// Both forms of a value: as it is packed, and as it would be if that did not help. In the second one
/// changes reach what is inside.
fn both(bytes: Vec<u8>, plain: Vec<u8>) -> Vec<Vec<u8>> {
    vec![bytes, [&[0][..], &plain].concat()]
}

fn docs() -> Vec<(EntryId, EntryDoc)> {
    let imports = LINES.iter().map(|line| ndjson::parse_line(line, now()).unwrap());
    imports.map(|i| (i.id, EntryDoc::create([7; 16], 0, &i.fields).unwrap())).collect()
}

fn payload_examples() -> Vec<Vec<u8>> {
    let change = |(id, doc): &(EntryId, EntryDoc)| EntryChange {
        entry: *id.as_bytes(),
        changes: doc.changes_since(&Heads::default()).into(),
    };
    let changes: Vec<EntryChange> = docs().iter().map(change).collect();
    let plan = PlanDoc::create().unwrap().save();
    let slot = SlotName::Chapter(674);
    let payloads = [
        Payload::Changes { slot, changes: changes[..1].to_vec() },
        Payload::Changes { slot, changes },
        Payload::Plan { changes: plan.clone().into() },
        Payload::Part { slot: SlotName::Page(674), bytes: plan.into() },
    ];
    let mut examples: Vec<_> =
        payloads.iter().flat_map(|it| both(it.to_bytes(), codec::encode(it))).collect();
    // A bomb: 4 MiB out of a few hundred bytes; and the same within the limit.
    examples.extend([4 << 20, 2_000_000].map(|zeros| pack(&"\0".repeat(zeros))));
    let many = vec![EntryChange { entry: [0; 16], changes: Vec::new().into() }; 90_000];
    examples.push(Payload::Changes { slot, changes: many }.to_bytes());
    examples
}

fn payloads(input: &[u8]) -> bool {
    let Ok(payload) = Payload::from_bytes(input) else { return false };
    assert!(Payload::from_bytes(&payload.to_bytes()) == Ok(payload.clone()));
    let _ = mainstay_core::chapter::month_of(&payload.slot());
    if let Payload::Changes { changes, .. } = &payload {
        changes.iter().for_each(|change| _ = change.id().month());
    }
    true
}

fn bundle_examples() -> Vec<Vec<u8>> {
    let mut docs: Vec<BundledDoc> = docs()
        .iter()
        .map(|(id, doc)| BundledDoc { entry: *id.as_bytes(), saved: doc.save().into() })
        .collect();
    docs.sort_by_key(|doc| doc.entry);
    let bundles = [Bundle::default(), Bundle { docs, forgotten: vec![[9; 16]] }];
    let mut examples: Vec<_> =
        bundles.iter().flat_map(|it| both(it.to_bytes(), codec::encode(it))).collect();
    let many = Bundle { docs: Vec::new(), forgotten: vec![[0; 16]; 100_000] };
    examples.extend([many.to_bytes(), pack(&"\0".repeat(65 << 20))]);
    examples
}

fn bundles(input: &[u8]) -> bool {
    let Ok(bundle) = Bundle::from_bytes(input) else { return false };
    assert!(Bundle::from_bytes(&bundle.to_bytes()) == Ok(bundle.clone()));
    for doc in bundle.docs.iter().take(4) {
        let _ = bundle.find(&EntryId::from_bytes(doc.entry));
    }
    true
}

fn page_examples() -> Vec<Vec<u8>> {
    let imports = LINES.iter().map(|line| ndjson::parse_line(line, now()).unwrap());
    let rows: Vec<Row> = imports.map(|import| row(&import).unwrap()).collect();
    // A list of a million numbers in one field, which takes 16 times its text in memory.
    let mut wide = rows[0].clone();
    wide.fields.insert("wide".to_owned(), Value::Json(vec![0; 1_000_000].into()));
    let pages = [Page::new(Vec::new()), Page::new(rows)];
    let mut examples: Vec<_> =
        pages.iter().flat_map(|it| both(it.to_bytes(), codec::encode(it))).collect();
    examples.push(Page::new(vec![wide]).to_bytes());
    examples
}

fn pages(input: &[u8]) -> bool {
    let Ok(page) = Page::from_bytes(input) else { return false };
    assert!(Page::from_bytes(&page.to_bytes()) == Ok(page.clone()));
    page.rows.iter().take(4).for_each(|row| _ = ndjson::to_line(row));
    true
}
