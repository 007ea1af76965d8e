#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::journal::{EntryId, Fields, Patch, Value, apply};
use crate::plan::{ItemId, PlanEdit, Section};

const ANNA: [u8; 16] = [0xa; 16];
const BOB: [u8; 16] = [0xb; 16];

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn set(name: &str, value: impl Into<Value>) -> Patch {
    Patch::from([(name.to_owned(), Some(value.into()))])
}

fn long(text: &str) -> Value {
    Value::Str(text.repeat(600 / text.len() + 1))
}

fn sample() -> Fields {
    fields(&[
        ("kind", "check-in".into()),
        ("mood", Value::Int(0)),
        ("hours", Value::Float(6.0)),
        ("none", Value::Null),
        ("tired", Value::Bool(false)),
        ("signs", Value::Json(serde_json::json!(["isolating", {"b": 1, "a": 2}]))),
        ("short", "über 🌊".into()),
        ("note", long("nächtliche Gedanken 🌙 ")),
    ])
}

fn created() -> EntryDoc {
    EntryDoc::create(ANNA, 1_700_000_000_123, &sample()).unwrap()
}

#[test]
fn the_same_entry_gives_the_same_bytes_and_reads_back() {
    let doc = created();
    assert_eq!(doc.save(), created().save());
    assert_eq!(doc.fields(), sample());
    let loaded = EntryDoc::load(&doc.save()).unwrap();
    assert_eq!((loaded.fields(), loaded.heads()), (sample(), doc.heads()));
    assert_eq!(loaded.save(), doc.save());
    assert!(!loaded.edited() && loaded.deleted_at().is_none() && loaded.conflicts().is_empty());
}

#[test]
fn the_losing_value_is_offered_until_somebody_chooses() {
    for (first, mine, theirs) in
        [("a".into(), "b".into(), "c".into()), (Value::Int(1), Value::Int(2), Value::Int(3))]
    {
        let mut here = EntryDoc::create(ANNA, 0, &fields(&[("x", first)])).unwrap();
        let mut there = here.clone();
        here.edit(ANNA, 1, &set("x", mine)).unwrap();
        there.edit(BOB, 1, &set("x", theirs)).unwrap();
        here.merge(&there).unwrap();
        there.merge(&here).unwrap();
        assert_eq!((here.fields(), here.conflicts()), (there.fields(), there.conflicts()));
        assert_eq!(here.conflicts()["x"].len(), 1);
        assert!(here.edited());
        // Choosing what is already shown settles it as well.
        let shown = here.fields()["x"].clone();
        here.edit(ANNA, 2, &set("x", shown.clone())).unwrap();
        assert!(here.conflicts().is_empty());
        assert_eq!(here.fields()["x"], shown);
    }
}

#[test]
fn two_notes_written_at_once_are_both_kept_and_one_can_be_chosen() {
    let mut here = EntryDoc::create(ANNA, 0, &Fields::new()).unwrap();
    let mut there = here.clone();
    here.edit(ANNA, 1, &set("note", long("mine "))).unwrap();
    there.edit(BOB, 1, &set("note", long("theirs "))).unwrap();
    here.merge(&there).unwrap();
    let lost = here.conflicts()["note"][0].clone();
    here.edit(ANNA, 2, &set("note", lost.clone())).unwrap();
    assert_eq!(here.fields()["note"], lost);
    assert!(here.conflicts().is_empty());
    // Settled for good: the other text does not come up again with the next edit.
    here.edit(ANNA, 3, &set("note", "something else")).unwrap();
    assert!(here.conflicts().is_empty());
}

#[test]
fn edits_of_different_parts_of_a_long_note_merge() {
    let text = |a: &str, b: &str| Value::Str(format!("{a}{}{b}", "…middle…".repeat(100)));
    let mut here = EntryDoc::create(ANNA, 0, &fields(&[("note", text("start", "end"))])).unwrap();
    let mut there = here.clone();
    here.edit(ANNA, 1, &set("note", text("START 🌅", "end"))).unwrap();
    there.edit(BOB, 1, &set("note", text("start", "END"))).unwrap();
    here.merge(&there).unwrap();
    assert_eq!(here.fields()["note"], text("START 🌅", "END"));
    // A field keeps the type of its first value: emptied, it is still text.
    here.edit(ANNA, 2, &set("note", "")).unwrap();
    assert_eq!(here.fields()["note"], "".into());
}

#[test]
fn an_edit_elsewhere_does_not_bring_a_deleted_entry_back() {
    let mut here = created();
    let mut there = here.clone();
    here.set_deleted(ANNA, 5, Some(5000)).unwrap();
    assert!(!here.edited());
    there.edit(BOB, 6, &set("mood", Value::Int(7))).unwrap();
    there.set_deleted(BOB, 6, None).unwrap();
    here.merge(&there).unwrap();
    assert_eq!(here.deleted_at(), Some(5000));
    assert_eq!(here.fields()["mood"], Value::Int(7));
    here.set_deleted(ANNA, 7, None).unwrap();
    assert_eq!(here.deleted_at(), None);
}

#[test]
fn of_two_deletions_the_later_counts_whoever_made_it() {
    for (mine, theirs) in [(9000, 6000), (6000, 9000)] {
        let (mut here, mut there) = (created(), created());
        here.set_deleted(ANNA, 5, Some(mine)).unwrap();
        there.set_deleted(BOB, 5, Some(theirs)).unwrap();
        here.merge(&there).unwrap();
        assert_eq!(here.deleted_at(), Some(9000));
    }
}

#[test]
fn one_device_bringing_back_what_another_deletes_again_leaves_it_deleted() {
    let mut here = created();
    here.set_deleted(ANNA, 5, Some(5000)).unwrap();
    let mut there = here.clone();
    here.set_deleted(ANNA, 6, None).unwrap();
    there.set_deleted(BOB, 6, Some(6000)).unwrap();
    here.merge(&there).unwrap();
    assert_eq!(here.deleted_at(), Some(6000));
}

#[test]
fn a_change_that_arrives_early_waits_and_is_saved() {
    let first = created();
    let mut second = first.clone();
    second.edit(BOB, 1, &set("mood", Value::Int(9))).unwrap();
    let late = second.changes_since(&Heads::default());
    let early = second.changes_since(&first.heads());
    assert!(early.len() < late.len());

    let mut doc = EntryDoc::empty();
    doc.apply(&early).unwrap();
    assert!(doc.missing() && doc.fields().is_empty() && !doc.has_all(&second.heads()));
    let mut doc = EntryDoc::load(&doc.save()).unwrap();
    assert!(doc.missing());
    let mut merged = EntryDoc::empty();
    merged.merge(&doc).unwrap();
    assert!(merged.missing());
    for doc in [&mut doc, &mut merged] {
        doc.apply(&first.changes_since(&Heads::default())).unwrap();
        assert!(!doc.missing() && doc.has_all(&second.heads()));
        assert_eq!(doc.fields(), second.fields());
    }
}

#[test]
fn an_actor_used_twice_is_reported() {
    let base = created();
    let (mut here, mut there) = (base.clone(), base);
    here.edit(BOB, 1, &set("mood", Value::Int(1))).unwrap();
    there.edit(BOB, 1, &set("mood", Value::Int(2))).unwrap();
    let heads = here.heads();
    assert_eq!(here.merge(&there), Err(DocError::ActorReused));
    assert_eq!(here.heads(), heads);
}

#[test]
fn a_document_that_outgrows_its_limit_refuses_the_change_and_stays() {
    let mut doc = created();
    let huge = Value::Str("x".repeat(MAX_DOC_BYTES));
    let before = doc.save();
    assert_eq!(
        doc.edit(ANNA, 1, &set("huge", huge)),
        Err(DocError::TooLarge { max: MAX_DOC_BYTES })
    );
    assert_eq!(doc.save(), before);
    let too_long = vec![0; MAX_DOC_BYTES + 1];
    assert!(matches!(EntryDoc::load(&too_long), Err(DocError::TooLarge { .. })));
}

#[test]
fn the_largest_note_typed_several_times_still_loads() {
    let mut doc = created();
    for round in 0..5u8 {
        let text = Value::Str(char::from(b'a' + round).to_string().repeat(64 * 1024));
        doc.edit(ANNA, 1, &set("note", text)).unwrap();
    }
    assert_eq!(EntryDoc::load(&doc.save()).unwrap().fields(), doc.fields());
}

#[test]
fn compressed_input_is_refused_before_it_is_inflated() {
    let mut am = automerge::AutoCommit::new();
    use automerge::transaction::Transactable;
    am.put(automerge::ROOT, "a", "x".repeat(10_000)).unwrap();
    let deflated = am.save();
    assert!(matches!(EntryDoc::load(&deflated), Err(DocError::Malformed(_))));
    let compressed = am.get_changes(&[])[0].clone().bytes().into_owned();
    assert!(matches!(EntryDoc::empty().apply(&compressed), Err(DocError::Malformed(_))));
}

#[test]
fn a_row_survives_cbor_and_skips_what_a_newer_version_added() {
    let mut doc = created();
    doc.edit(BOB, 1, &set("edited", Value::Bool(true))).unwrap();
    doc.set_deleted(BOB, 2, Some(-3)).unwrap();
    let row = Row::from_doc(EntryId::from_bytes([3; 16]), &doc);
    assert!(row.edited && !row.conflicted && !row.fields.contains_key("edited"));
    assert_eq!(row.heads_digest, doc.heads().digest());
    let mut bytes = minicbor::to_vec(&row).unwrap();
    assert_eq!(minicbor::decode::<Row>(&bytes).unwrap(), row);
    bytes[0] += 1; // an array of six
    bytes.extend(minicbor::to_vec("news").unwrap());
    assert_eq!(minicbor::decode::<Row>(&bytes).unwrap(), row);
}

#[test]
fn the_same_import_on_two_devices_is_one_unedited_entry_without_conflict() {
    let mut here = created();
    let there = EntryDoc::create(BOB, 9, &sample()).unwrap();
    here.merge(&there).unwrap();
    assert_eq!(here.fields(), sample());
    assert!(here.conflicts().is_empty() && !here.edited());
}

#[test]
fn an_edit_of_the_plan_survives_cbor() {
    let details = Fields::from([("steps".to_owned(), Value::Json(serde_json::json!(["a"])))]);
    let id = ItemId::from_bytes([1; 16]);
    let section = Section::Other("own".into());
    for edit in [
        PlanEdit::Add { id, section: section.clone(), text: "x".into(), details, position: None },
        PlanEdit::Edit { id, text: None, details: Patch::from([("steps".to_owned(), None)]) },
        PlanEdit::Move { id, section, position: 3 },
        PlanEdit::Remove { id },
        PlanEdit::Restore { id },
    ] {
        let bytes = minicbor::to_vec(&edit).unwrap();
        assert_eq!(minicbor::decode::<PlanEdit>(&bytes).unwrap(), edit);
    }
}

fn add(id: u8, section: Section, text: &str, position: Option<usize>) -> PlanEdit {
    let id = ItemId::from_bytes([id; 16]);
    PlanEdit::Add { id, section, text: text.into(), details: Fields::new(), position }
}

fn texts(doc: &PlanDoc, section: &Section) -> Vec<String> {
    doc.plan().section(section).iter().map(|item| item.text.clone()).collect()
}

#[test]
fn two_plans_begun_apart_become_one() {
    let (mut here, mut there) = (PlanDoc::create().unwrap(), PlanDoc::create().unwrap());
    assert_eq!(here.save(), there.save());
    here.edit(&add(1, Section::Reasons, "my daughter", None), ANNA, 1).unwrap();
    there.edit(&add(2, Section::Reasons, "morning runs", None), BOB, 1).unwrap();
    here.merge(&there).unwrap();
    there.apply(&here.changes_since(&there.heads())).unwrap();
    assert_eq!(here.plan(), there.plan());
    assert_eq!(here.heads(), there.heads());
    assert_eq!(here.plan().section(&Section::Reasons).len(), 2);
    assert_eq!(PlanDoc::load(&here.save()).unwrap().plan(), here.plan());
}

#[test]
fn items_move_leave_and_come_back() {
    let mut doc = PlanDoc::create().unwrap();
    for (id, text) in [(1, "call Ines"), (2, "walk"), (3, "tea")] {
        doc.edit(&add(id, Section::CopingSkills, text, None), ANNA, 1).unwrap();
    }
    let id = |n| ItemId::from_bytes([n; 16]);
    let section = Section::CopingSkills;
    doc.edit(&PlanEdit::Move { id: id(3), section: section.clone(), position: 0 }, ANNA, 2)
        .unwrap();
    assert_eq!(texts(&doc, &section), ["tea", "call Ines", "walk"]);
    doc.edit(&PlanEdit::Move { id: id(1), section: Section::Supports, position: 9 }, ANNA, 2)
        .unwrap();
    assert_eq!(texts(&doc, &Section::Supports), ["call Ines"]);
    doc.edit(&PlanEdit::Remove { id: id(2) }, ANNA, 3).unwrap();
    assert_eq!(texts(&doc, &section), ["tea"]);
    assert_eq!(doc.plan().archived[0].text, "walk");
    doc.edit(&PlanEdit::Restore { id: id(2) }, ANNA, 4).unwrap();
    assert_eq!(texts(&doc, &section), ["tea", "walk"]);
    let unknown = PlanEdit::Remove { id: id(9) };
    assert!(matches!(doc.edit(&unknown, ANNA, 5), Err(DocError::Plan(_))));
}

#[test]
fn an_item_archived_here_and_edited_there_stays_archived_with_the_edit() {
    let mut here = PlanDoc::create().unwrap();
    here.edit(&add(1, Section::Triggers, "payday", None), ANNA, 1).unwrap();
    let mut there = here.clone();
    let id = ItemId::from_bytes([1; 16]);
    here.edit(&PlanEdit::Remove { id }, ANNA, 2).unwrap();
    let details = set("about", "time");
    there.edit(&PlanEdit::Edit { id, text: Some("pay day".into()), details }, BOB, 2).unwrap();
    here.merge(&there).unwrap();
    let plan = here.plan();
    assert_eq!(plan.archived[0].text, "pay day");
    assert_eq!(plan.archived[0].details["about"], "time".into());
}

#[test]
fn the_losing_text_of_an_item_is_offered_until_somebody_chooses() {
    let mut here = PlanDoc::create().unwrap();
    here.edit(&add(1, Section::Rules, "if x then y", None), ANNA, 1).unwrap();
    let mut there = here.clone();
    let id = ItemId::from_bytes([1; 16]);
    let say = |text: &str| PlanEdit::Edit { id, text: Some(text.into()), details: Patch::new() };
    here.edit(&say("if a then b"), ANNA, 2).unwrap();
    there.edit(&say("if c then d"), BOB, 2).unwrap();
    here.merge(&there).unwrap();
    let shown = here.plan().item(id).unwrap().text.clone();
    assert_eq!(here.conflicts()[&id]["text"].len(), 1);
    here.edit(&say(&shown), ANNA, 3).unwrap();
    assert!(here.conflicts().is_empty());
}

#[test]
fn a_document_of_an_entry_is_no_plan() {
    assert!(matches!(PlanDoc::load(&created().save()), Err(DocError::Malformed(_))));
}

/// Gives every chunk of the bytes a correct checksum, so that what follows it is read.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    if bytes.len() > 9 {
        let hash = Sha256::digest(&bytes[8..]);
        bytes[4..8].copy_from_slice(&hash[..4]);
    }
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Edit(bool, String, Value),
    Remove(bool, String),
    Delete(bool, Option<i64>),
    Exchange(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop_oneof![Just("a"), Just("b"), Just("note")].prop_map(str::to_owned);
    let value = prop_oneof![
        (0..5i64).prop_map(Value::Int),
        "\\PC{0,12}".prop_map(Value::Str),
        (1..9usize).prop_map(|n| Value::Str("long 🌊 ".repeat(n * 40))),
        Just(Value::Json(serde_json::json!(["x"]))),
    ];
    prop_oneof![
        4 => (any::<bool>(), name.clone(), value).prop_map(|(who, name, value)| Step::Edit(who, name, value)),
        1 => (any::<bool>(), name).prop_map(|(who, name)| Step::Remove(who, name)),
        1 => (any::<bool>(), proptest::option::of(0..9i64)).prop_map(|(who, at)| Step::Delete(who, at)),
        2 => any::<bool>().prop_map(Step::Exchange),
    ]
}

fn exchange(from: &EntryDoc, to: &mut EntryDoc) {
    to.apply(&from.changes_since(&to.heads())).unwrap();
}

proptest! {
    #[test]
    fn two_replicas_converge_in_any_order_of_exchange(steps in proptest::collection::vec(step(), 1..40)) {
        let base = created();
        let mut docs = [base.clone(), base];
        let mut model: Option<Fields> = Some(sample()); // while only one replica has edited
        for step in steps {
            match step {
                Step::Edit(who, name, value) => {
                    let patch = set(&name, value);
                    docs[usize::from(who)].edit([u8::from(who); 16], 1, &patch).unwrap();
                    match model.as_mut() {
                        Some(model) if !who => apply(model, &patch),
                        _ => model = None,
                    }
                }
                Step::Remove(who, name) => {
                    let patch = Patch::from([(name, None)]);
                    docs[usize::from(who)].edit([u8::from(who); 16], 1, &patch).unwrap();
                    match model.as_mut() {
                        Some(model) if !who => apply(model, &patch),
                        _ => model = None,
                    }
                }
                Step::Delete(who, at) => docs[usize::from(who)].set_deleted([u8::from(who); 16], 1, at).unwrap(),
                Step::Exchange(who) => {
                    let from = docs[usize::from(who)].clone();
                    exchange(&from, &mut docs[usize::from(!who)]);
                }
            }
        }
        if let Some(model) = model {
            prop_assert_eq!(docs[0].fields(), model);
        }
        let [mut a, mut b] = docs;
        exchange(&a.clone(), &mut b);
        a.merge(&b).unwrap();
        prop_assert_eq!(a.heads(), b.heads());
        prop_assert_eq!(a.fields(), b.fields());
        prop_assert_eq!(a.conflicts(), b.conflicts());
        prop_assert_eq!(a.deleted_at(), b.deleted_at());
        for doc in [&a, &b] {
            let loaded = EntryDoc::load(&doc.save()).unwrap();
            prop_assert_eq!(loaded.heads(), a.heads());
            prop_assert_eq!(loaded.fields(), a.fields());
            prop_assert_eq!(loaded.conflicts(), a.conflicts());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = EntryDoc::load(&bytes);
        let _ = created().apply(&bytes);
        let _ = PlanDoc::load(&bytes);
        let _ = minicbor::decode::<Row>(&bytes);
        let _ = minicbor::decode::<Heads>(&bytes);
    }

    #[test]
    fn damaged_documents_with_a_right_checksum_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        change in any::<bool>(),
    ) {
        let mut doc = created();
        doc.edit(BOB, 1, &set("mood", Value::Int(3))).unwrap();
        let mut bytes = if change {
            doc.changes_since(&created().heads())
        } else {
            doc.save()
        };
        for (at, byte) in damage {
            let at = 9 + at.index(bytes.len() - 9);
            bytes[at] = byte;
        }
        let bytes = with_checksums(bytes);
        if change {
            let mut target = created();
            if target.apply(&bytes).is_ok() {
                let _ = (target.fields(), target.conflicts(), target.save());
            }
        } else if let Ok(loaded) = EntryDoc::load(&bytes) {
            let _ = (loaded.fields(), loaded.conflicts(), loaded.deleted_at(), loaded.save());
        }
    }
}

#[test]
fn plans_edited_apart_at_random_converge() {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut docs = [PlanDoc::create().unwrap(), PlanDoc::create().unwrap()];
        let mut below = |n: u32| rng.next_u32() % n;
        for round in 0..40 {
            let who = below(2) as usize;
            let known: Vec<ItemId> =
                docs[who].plan().items.values().flatten().map(|item| item.id).collect();
            let section = Section::known().nth(below(3) as usize).unwrap();
            let id = (!known.is_empty()).then(|| known[below(known.len() as u32) as usize]);
            let edit = match (below(5), id) {
                (0, Some(id)) => PlanEdit::Remove { id },
                (1 | 2, Some(id)) => PlanEdit::Move { id, section, position: below(4) as usize },
                (3, Some(id)) => PlanEdit::Edit {
                    id,
                    text: Some(format!("text {round}")),
                    details: Patch::new(),
                },
                _ => PlanEdit::Add {
                    id: ItemId::from_bytes([round; 16]),
                    section,
                    text: format!("new {round}"),
                    details: Fields::new(),
                    position: Some(below(4) as usize),
                },
            };
            docs[who].edit(&edit, [who as u8 + 1; 16], i64::from(round)).unwrap();
            if below(6) == 0 {
                let from = docs[1 - who].clone();
                docs[who].merge(&from).unwrap();
            }
        }
        let [mut a, mut b] = docs;
        a.merge(&b).unwrap();
        b.merge(&a).unwrap();
        assert_eq!(a.plan(), b.plan(), "seed {seed}");
        let conflicts: BTreeMap<_, _> = b.conflicts();
        assert_eq!(a.conflicts(), conflicts, "seed {seed}");
        assert_eq!(PlanDoc::load(&a.save()).unwrap().plan(), b.plan());
    }
}

/// Prints what an entry costs: `cargo test --release -p mainstay-core -- --ignored --nocapture cost`.
#[test]
#[ignore = "a measurement, not a check"]
#[allow(clippy::print_stderr)]
fn cost_of_a_year_of_entries() {
    let journal = include_str!("../../../examples/data/journal.ndjson");
    let start = std::time::Instant::now();
    let imports: Vec<_> =
        crate::ndjson::Reader::new(journal.as_bytes(), jiff::Timestamp::UNIX_EPOCH)
            .map(|parsed| parsed.unwrap().unwrap())
            .collect();
    let parsed = start.elapsed();
    let docs: Vec<_> =
        imports.iter().map(|i| EntryDoc::create(ANNA, 0, &i.fields).unwrap().save()).collect();
    let created = start.elapsed();
    let loaded: Vec<_> = docs.iter().map(|bytes| EntryDoc::load(bytes).unwrap()).collect();
    let load = start.elapsed();
    let rows: Vec<_> =
        imports.iter().zip(&loaded).map(|(i, doc)| Row::from_doc(i.id, doc)).collect();
    let read = start.elapsed();
    let page = minicbor::to_vec(&rows).unwrap();
    let written = start.elapsed();
    let again: Vec<Row> = minicbor::decode(&page).unwrap();
    eprintln!(
        "{} entries: parse {parsed:?}, create and save {:?} ({} bytes), load {:?}, rows {:?}, page {:?} ({} bytes), read page {:?}",
        again.len(),
        created - parsed,
        docs.iter().map(Vec::len).sum::<usize>(),
        load - created,
        read - load,
        written - read,
        page.len(),
        start.elapsed() - written,
    );
}
