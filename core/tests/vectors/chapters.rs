//! Payloads of envelopes, packed chapters and their rows, and the documents in them.

use std::path::Path;

use mainstay_core::chapter::{Bundle, BundledDoc, EntryChange, Page, Payload, SlotName};
use mainstay_core::document::{EntryDoc, PlanDoc, Row};
use mainstay_core::journal::{EntryId, Patch, Value};
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_protocol::codec;

use crate::samples::Samples;
use crate::variants::vectors;
use crate::{ID, fields};

const ACTOR: [u8; 16] = [9; 16];

fn row() -> Row {
    Row {
        id: EntryId::from_bytes(ID),
        fields: fields(),
        heads_digest: [5; 16],
        deleted_at: Some(1_770_000_000_000),
        conflicted: true,
        edited: true,
    }
}

fn shown() -> Row {
    Row { deleted_at: None, conflicted: false, edited: false, ..row() }
}

fn changes() -> Payload {
    let change = EntryChange { entry: ID, changes: vec![1, 2, 3].into() };
    Payload::Changes { slot: SlotName::Chapter(674), changes: vec![change] }
}

#[test]
fn payloads_keep_their_bytes() {
    let mut samples = Samples::new("payloads.hex");
    let names = [
        ("plan", SlotName::Plan),
        ("chapter", SlotName::Chapter(674)),
        ("page", SlotName::Page(674)),
        ("record", SlotName::Record([4; 16])),
    ];
    for (name, slot) in names {
        samples.add(&format!("slot_{name}"), &slot);
    }
    let part = Payload::Part { slot: SlotName::Page(674), bytes: vec![7; 5].into() };
    let plan = Payload::Plan { changes: vec![8; 5].into() };
    for (name, payload) in [("changes", changes()), ("plan", plan), ("part", part)] {
        samples.add(&format!("payload_{name}"), &payload);
        // A short one is not compressed: a mark, and the bytes above.
        assert_eq!(payload.to_bytes(), [&[0][..], &codec::encode(&payload)].concat());
        assert_eq!(Payload::from_bytes(&payload.to_bytes()).unwrap(), payload);
    }
    samples.check();
}

#[test]
fn packed_chapters_keep_their_bytes() {
    let mut samples = Samples::new("chapters.hex");
    let docs = vec![BundledDoc { entry: ID, saved: vec![6; 9].into() }];
    samples.add("bundle", &Bundle { docs, forgotten: vec![[3; 16]] });
    samples.add("bundle_empty", &Bundle::default());
    samples.add("row", &row());
    samples.add("row_shown", &shown());
    let page = Page::new(vec![row()]);
    samples.add_fixed("page", &page);
    let mut newer = codec::encode(&page);
    newer[0] += 1;
    newer.extend([0x82, 1, 2]);
    assert_eq!(codec::decode::<Page>(&newer).unwrap(), page, "a field of a newer version");
    samples.check();
}

/// A document with an edit and a deletion, and the changes that it consists of.
fn entry() -> EntryDoc {
    let mut doc = EntryDoc::create(ACTOR, 1_770_000_000_000, &fields()).unwrap();
    let patch = Patch::from([
        ("note".to_owned(), Some(Value::Str("at the window, an hour".into()))),
        ("alone".to_owned(), None),
    ]);
    doc.edit(ACTOR, 1_770_000_000_001, &patch).unwrap();
    doc.set_deleted(ACTOR, 1_770_000_000_002, Some(1_770_000_000_002)).unwrap();
    doc
}

fn plan() -> PlanDoc {
    let mut doc = PlanDoc::create().unwrap();
    let (id, text) = (ItemId::from_bytes(ID), "tea with Noor".to_owned());
    let section = Section::from("coping-skills");
    let add = PlanEdit::Add { id, section, text, details: fields(), position: None };
    doc.edit(&add, ACTOR, 1_770_000_000_000).unwrap();
    doc
}

// These bytes are a library's, and a later one may write others: that it reads these is the promise. So the
// file is written where there is none, and never over one.
#[test]
fn documents_and_compressed_bytes_of_the_first_version_are_read() {
    let page = Page::new((0..20).map(|_| shown()).collect());
    let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/once.hex").exists();
    if std::env::var_os("MAINSTAY_REGENERATE").is_some() && !there {
        let mut samples = Samples::new("once.hex");
        let origin = EntryDoc::empty().heads();
        samples.add_bytes("entry_saved", entry().save());
        samples.add_bytes("entry_changes", entry().changes_since(&origin));
        samples.add_bytes("plan_saved", plan().save());
        samples
            .add_bytes("plan_changes", plan().changes_since(&PlanDoc::create().unwrap().heads()));
        samples.add_bytes("page_compressed", page.to_bytes());
        samples.check();
    }
    let only = |name: &str| {
        let mut found = vectors("once.hex", name);
        assert_eq!(found.len(), 1, "{name}");
        found.remove(0)
    };
    let told = |doc: &EntryDoc| (doc.fields(), doc.deleted_at(), doc.heads(), doc.missing());
    assert_eq!(told(&EntryDoc::load(&only("entry_saved")).unwrap()), told(&entry()));
    let mut doc = EntryDoc::empty();
    doc.apply(&only("entry_changes")).unwrap();
    assert_eq!(told(&doc), told(&entry()));
    let note = doc.fields().remove("note");
    assert_eq!(note, Some(Value::Str("at the window, an hour".into())));

    let loaded = PlanDoc::load(&only("plan_saved")).unwrap();
    assert_eq!((loaded.plan(), loaded.heads()), (plan().plan(), plan().heads()));
    let mut doc = PlanDoc::create().unwrap();
    doc.apply(&only("plan_changes")).unwrap();
    assert_eq!((doc.plan(), doc.heads()), (plan().plan(), plan().heads()));
    assert_eq!(doc.plan().items.values().flatten().count(), 1);

    let compressed = only("page_compressed");
    assert_eq!(compressed[0], 1, "it is long enough to be compressed");
    assert_eq!(Page::from_bytes(&compressed).unwrap(), page);
}
