use super::*;
use crate::journal::EntryId;

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

/// What an older version must not take away when it edits: forms that it does not know, and fields that
/// it does not know, which it shows and exports as they are.
#[test]
fn what_a_newer_version_wrote_stays_when_an_older_one_edits() {
    use automerge::transaction::Transactable;
    use automerge::{Automerge, ObjType, ROOT, ReadDoc, ScalarValue};
    let options = automerge::LoadOptions::new();
    let mut newer = Automerge::load_with_options(&created().save(), options).unwrap();
    let mut tx = newer.transaction();
    let list = tx.put_object(ROOT, "newer_list", ObjType::List).unwrap();
    tx.insert(&list, 0, "inside").unwrap();
    tx.put(ROOT, "newer_count", ScalarValue::counter(3)).unwrap();
    tx.put(ROOT, "newer_text", "shown").unwrap();
    tx.commit();

    let mut older = EntryDoc::load(&newer.save_nocompress()).unwrap();
    assert_eq!(older.fields()["newer_text"], "shown".into());
    assert!(!older.fields().contains_key("newer_list"));
    older.edit(BOB, 5, &set("mood", Value::Int(9))).unwrap();
    let row = Row::from_doc(crate::journal::EntryId::from_bytes([2; 16]), &older);
    assert!(crate::ndjson::to_line(&row).contains("\"newer_text\":\"shown\""));

    let again = Automerge::load(&older.save()).unwrap();
    let (_, list) = again.get(ROOT, "newer_list").unwrap().unwrap();
    assert_eq!(again.get(&list, 0).unwrap().unwrap().0.as_str(), Some("inside"));
    let (count, _) = again.get(ROOT, "newer_count").unwrap().unwrap();
    assert!(matches!(count.as_scalar(), Some(ScalarValue::Counter(_))));
    assert_eq!(again.get(ROOT, "newer_text").unwrap().unwrap().0.as_str(), Some("shown"));
}
