use proptest::prelude::*;

use super::*;

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

/// Gives every chunk of the bytes a correct checksum, so that what follows it is read.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    if bytes.len() > 9 {
        let hash = Sha256::digest(&bytes[8..]);
        bytes[4..8].copy_from_slice(&hash[..4]);
    }
    bytes
}

proptest! {
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
fn a_change_that_claims_billions_of_rows_is_refused_before_they_exist() {
    let mut body = vec![0, 16]; // no dependencies; the actor follows
    body.extend(ANNA);
    body.extend([1, 1, 0, 0, 0]); // sequence, first operation, time, message, other actors
    body.extend([1, 0x42, 6, 0, 0x80, 0x80, 0x80, 0x80, 0x20]); // one column: 2^33 nulls
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1, body.len() as u8];
    bytes.extend(body);
    let error = EntryDoc::empty().apply(&with_checksums(bytes)).unwrap_err();
    assert_eq!(error, DocError::Malformed("too many rows"));
}

/// A change that sets the field `a` to 5, with these bytes behind its values that nothing reads.
fn change_with(surplus: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 16]; // no dependencies; the actor follows
    body.extend(BOB);
    body.extend([1, 1, 0, 0, 0]); // sequence, first operation, time, message, other actors
    // Columns and their lengths: key, insert, action, what sort of value, value, predecessors.
    body.extend([6, 0x15, 3, 0x34, 1, 0x42, 2, 0x56, 2, 0x57, 1 + surplus.len() as u8, 0x70, 2]);
    body.extend([0x7f, 1, b'a', 1, 0x7f, 1, 0x7f, 0x14, 5]);
    body.extend(surplus);
    body.extend([0x7f, 0]);
    let mut bytes = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1, body.len() as u8];
    bytes.extend(body);
    with_checksums(bytes)
}

/// Automerge takes such a change, and then refuses to load the document that it made.
#[test]
fn a_change_in_an_unusual_form_is_refused_before_it_spoils_the_document() {
    let mut usual = created();
    usual.apply(&change_with(&[])).unwrap();
    assert_eq!(usual.fields()["a"], Value::Int(5));
    assert_eq!(EntryDoc::load(&usual.save()).unwrap().heads(), usual.heads());

    let mut doc = created();
    let error = doc.apply(&change_with(&[9])).unwrap_err();
    assert_eq!(error, DocError::Malformed("a change in an unusual form"));
    assert_eq!(EntryDoc::load(&doc.save()).unwrap().heads(), created().heads());
}
