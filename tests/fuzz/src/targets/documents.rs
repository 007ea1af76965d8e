//! Automerge documents and changes behind our guard.
//!
//! A chunk has a length and a check value in front. An input is a list of chunks without them, which
//! are put in front here: what is altered then lies behind the check.

use mainstay_core::document::{DocError, EntryDoc, Heads, MAX_DOC_BYTES, PlanDoc, Row};
use mainstay_core::journal::{EntryId, Patch, Value};
use mainstay_core::ndjson;
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_protocol::codec;
use minicbor::bytes::ByteVec;
use sha2::{Digest, Sha256};

use super::entries::{LINES, now};
use super::{Bound, Target};
use crate::mutate::Form;

/// The guard allows 2^19 rows, each of which takes some hundred bytes in Automerge, in the document
/// and in its copies while it is changed.
const BOUND: Bound = Bound { base_bytes: 256 << 20, times: 200 };

const fn target(
    name: &'static str,
    examples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
) -> Target {
    Target { name, form: Form::Bytes, max_bytes: 256 * 1024, bound: BOUND, examples, run }
}

pub(super) const TARGETS: &[Target] = &[
    target("entry-documents", entry_examples, entry_documents),
    target("entry-changes", entry_change_examples, entry_changes),
    target("plan-documents", plan_examples, plan_documents),
    target("plan-changes", plan_change_examples, plan_changes),
    Target {
        max_bytes: MAX_DOC_BYTES + 1,
        ..target("saved-documents", saved_examples, saved_documents)
    },
];

type Chunks = Vec<(u8, ByteVec)>;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (mut value, mut at) = (0_usize, 0);
    loop {
        let byte = *bytes.get(at)?;
        value |= usize::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        at += 1;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at..]));
        }
    }
}

/// The chunks of real bytes.
fn chunks(mut bytes: &[u8]) -> Vec<u8> {
    let mut chunks: Chunks = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = leb128(&bytes[9..]).unwrap();
        chunks.push((bytes[8], rest[..length].to_vec().into()));
        bytes = &rest[length..];
    }
    codec::encode(&chunks)
}

/// Real bytes of chunks.
fn whole(input: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (kind, body) in codec::decode::<Chunks>(input).ok()? {
        let mut checked = vec![kind];
        let mut length = body.len();
        while length >= 0x80 {
            checked.push(length as u8 | 0x80);
            length >>= 7;
        }
        checked.push(length as u8);
        checked.extend_from_slice(&body);
        bytes.extend(MAGIC);
        bytes.extend(&Sha256::digest(&checked)[..4]);
        bytes.extend(checked);
    }
    Some(bytes)
}

/// Documents of real entries, edited on two devices at once, deleted, and with a long note.
fn entries() -> Vec<EntryDoc> {
    let mut docs = Vec::new();
    for line in LINES {
        let import = ndjson::parse_line(line, now()).unwrap();
        let mut doc = EntryDoc::create([7; 16], 0, &import.fields).unwrap();
        docs.push(doc.clone());
        let mut other = doc.clone();
        let say =
            |text: &str| Patch::from([("note".to_owned(), Some(Value::Str(text.repeat(130))))]);
        doc.edit([8; 16], 1, &say("one ")).unwrap();
        other.edit([9; 16], 1, &say("two ")).unwrap();
        other.set_deleted([9; 16], 2, Some(2)).unwrap();
        doc.merge(&other).unwrap();
        doc.edit([8; 16], 3, &say("three 🌊")).unwrap();
        docs.push(doc);
    }
    docs
}

fn plan() -> PlanDoc {
    let mut doc = PlanDoc::create().unwrap();
    for id in 1..4 {
        let (id, section) = (ItemId::from_bytes([id; 16]), Section::CopingSkills);
        let text = "walk".to_owned();
        let details = [("steps".to_owned(), Value::Json(serde_json::json!(["a"])))].into();
        let edit = PlanEdit::Add { id, section, text, details, position: Some(0) };
        doc.edit(&edit, [7; 16], 1).unwrap();
    }
    doc.edit(&PlanEdit::Remove { id: ItemId::from_bytes([2; 16]) }, [8; 16], 2).unwrap();
    doc
}

fn entry_examples() -> Vec<Vec<u8>> {
    let mut examples: Vec<_> = entries().iter().map(|doc| chunks(&doc.save())).collect();
    // One that waits for another: its change comes behind the document.
    let mut waiting = EntryDoc::empty();
    let all = entries();
    waiting.apply(&all[1].changes_since(&all[0].heads())).unwrap();
    examples.push(chunks(&waiting.save()));
    examples
}

fn plan_examples() -> Vec<Vec<u8>> {
    vec![chunks(&PlanDoc::create().unwrap().save()), chunks(&plan().save())]
}

fn saved_examples() -> Vec<Vec<u8>> {
    let all = entries().iter().map(EntryDoc::save).collect::<Vec<_>>();
    [all, vec![plan().save(), vec![0; MAX_DOC_BYTES + 1]]].concat()
}

fn entry_change_examples() -> Vec<Vec<u8>> {
    let all = entries();
    let since = |pair: &[EntryDoc]| chunks(&pair[1].changes_since(&pair[0].heads()));
    let whole = |doc: &EntryDoc| chunks(&doc.changes_since(&Heads::default()));
    all.chunks(2).map(since).chain(all.iter().map(whole)).collect()
}

fn plan_change_examples() -> Vec<Vec<u8>> {
    let all = chunks(&plan().changes_since(&Heads::default()));
    let since = chunks(&plan().changes_since(&PlanDoc::create().unwrap().heads()));
    vec![all, since]
}

fn entry_documents(input: &[u8]) -> bool {
    whole(input).is_some_and(|bytes| loads(&bytes))
}

/// The bytes as they are.
fn saved_documents(input: &[u8]) -> bool {
    let plan = PlanDoc::load(input).is_ok_and(|plan| plan_stands(&plan));
    loads(input) | plan
}

fn loads(bytes: &[u8]) -> bool {
    match EntryDoc::load(bytes) {
        Ok(doc) => stands(&doc),
        Err(error) => error.to_string().is_empty(),
    }
}

/// A document is saved as bytes that load as the same, and everything that is done with one is done.
fn stands(doc: &EntryDoc) -> bool {
    let again = EntryDoc::load(&doc.save()).expect("what is saved can be loaded");
    assert_eq!(again.heads(), doc.heads());
    assert!(again.fields() == doc.fields(), "other fields after it was saved");
    assert!(again.conflicts() == doc.conflicts());
    let _ = (doc.deleted_at(), doc.edited(), doc.missing());
    let row = Row::from_doc(EntryId::from_bytes([2; 16]), doc);
    let _ = (row.when(), ndjson::to_line(&row));
    let mut edited = doc.clone();
    let patch = Patch::from([("mood".to_owned(), Some(Value::Int(3)))]);
    if edited.edit([6; 16], 5, &patch).is_ok() {
        assert!(edited.fields().get("mood") == Some(&Value::Int(3)));
        EntryDoc::load(&edited.save()).expect("what was changed can be loaded");
    }
    true
}

fn entry_changes(input: &[u8]) -> bool {
    let Some(bytes) = whole(input) else { return false };
    let first = ndjson::parse_line(LINES[0], now()).unwrap();
    let first = EntryDoc::create([7; 16], 0, &first.fields).unwrap();
    [EntryDoc::empty(), first].into_iter().fold(false, |any, mut doc| {
        let (heads, fields) = (doc.heads(), doc.fields());
        match doc.apply(&bytes) {
            Ok(()) => any | stands(&doc),
            Err(_) => {
                assert_eq!(doc.heads(), heads, "refused, and yet changed");
                assert!(doc.fields() == fields);
                any
            }
        }
    })
}

fn plan_documents(input: &[u8]) -> bool {
    let loaded = whole(input).map(|bytes| PlanDoc::load(&bytes));
    loaded.is_some_and(|plan| plan.is_ok_and(|plan| plan_stands(&plan)))
}

fn plan_stands(doc: &PlanDoc) -> bool {
    let again = PlanDoc::load(&doc.save()).expect("what is saved can be loaded");
    assert_eq!(again.heads(), doc.heads());
    assert!(again.plan() == doc.plan(), "another plan after it was saved");
    let _ = (doc.conflicts().len(), doc.care().len(), doc.missing());
    let mut edited = doc.clone();
    let remove = PlanEdit::Remove { id: ItemId::from_bytes([1; 16]) };
    match edited.take_edits(&doc.heads(), &[(remove, 5)], b"somebody") {
        Ok(_) => drop(PlanDoc::load(&edited.save()).expect("what was changed can be loaded")),
        Err(error) => assert!(!matches!(error, DocError::Plan(_)), "{error}"),
    }
    true
}

fn plan_changes(input: &[u8]) -> bool {
    let Some(bytes) = whole(input) else { return false };
    let mut doc = PlanDoc::create().unwrap();
    let (heads, before) = (doc.heads(), doc.plan());
    match doc.apply(&bytes) {
        Ok(()) => plan_stands(&doc),
        Err(_) => {
            assert_eq!(doc.heads(), heads, "refused, and yet changed");
            assert!(doc.plan() == before);
            false
        }
    }
}
