//! Documents made of rows.

use super::*;
use crate::journal::EntryId;

fn row_of(doc: &EntryDoc) -> Row {
    Row::from_doc(EntryId::from_bytes([2; 16]), doc)
}

fn joined(a: &EntryDoc, b: &EntryDoc) -> EntryDoc {
    let (mut ab, mut ba) = (a.clone(), b.clone());
    ab.merge(b).unwrap();
    ba.merge(a).unwrap();
    assert_eq!(row_of(&ab), row_of(&ba));
    ab
}

/// A history with everything that a row shows: edits, a long text, a deletion.
fn lived() -> EntryDoc {
    let mut doc = created();
    doc.edit(BOB, 1, &set("later", "added by an edit")).unwrap();
    doc.edit(ANNA, 2, &set("note", long("another thought "))).unwrap();
    doc
}

#[test]
fn a_document_made_of_a_row_shows_what_the_row_shows() {
    let mut deleted = lived();
    deleted.set_deleted(BOB, 3, Some(1_700_000_000_000)).unwrap();
    for first in [created(), lived(), deleted] {
        let row = row_of(&first);
        let made = row_of(&row.derive_doc().unwrap());
        assert_eq!(Row { heads_digest: row.heads_digest, ..made }, row);
    }
}

#[test]
fn equal_rows_make_the_same_document_and_others_another_actor() {
    let row = row_of(&lived());
    let doc = row.derive_doc().unwrap();
    assert_eq!(row.derive_doc().unwrap().save(), doc.save());
    // Two versions of one entry, each made on a device of its own: neither is refused, nothing is lost.
    let earlier = row_of(&created()).derive_doc().unwrap();
    let both = joined(&doc, &earlier);
    let shown = both.fields()["note"].clone();
    let mut notes = vec![shown];
    notes.extend(both.conflicts()["note"].clone());
    for expected in [&doc, &earlier] {
        assert!(notes.contains(&expected.fields()["note"]));
    }
}

#[test]
fn the_first_document_and_the_one_made_of_its_row_say_everything_once() {
    let first = lived();
    let both = joined(&first, &row_of(&first).derive_doc().unwrap());
    assert_eq!(row_of(&both).fields, row_of(&first).fields);
    assert!(both.conflicts().is_empty());
}

#[test]
fn a_change_of_the_first_document_is_shown_before_the_row_that_did_not_know_it() {
    let mut first = lived();
    let made = row_of(&first).derive_doc().unwrap();
    let before = first.fields();
    for name in ["short", "note", "mood", "later"] {
        first.edit(BOB, 5, &set(name, "changed elsewhere")).unwrap();
    }
    let both = joined(&first, &made);
    for name in ["short", "note", "mood", "later"] {
        assert_eq!(both.fields()[name], "changed elsewhere".into(), "{name}");
        assert_eq!(both.conflicts()[name], [before[name].clone()], "{name}");
    }
}

#[test]
fn what_was_deleted_on_either_side_is_deleted_in_both_together() {
    let mut first = lived();
    let made = row_of(&first).derive_doc().unwrap();
    first.set_deleted(BOB, 5, Some(7)).unwrap();
    assert_eq!(joined(&first, &made).deleted_at(), Some(7));
    let made = row_of(&first).derive_doc().unwrap();
    first.set_deleted(BOB, 6, None).unwrap();
    assert_eq!(joined(&first, &made).deleted_at(), Some(7));
}
