//! Any sequence of operations leaves a store equal to a map.

use std::collections::BTreeMap;

use mainstay_store::contract::{Subject, pairs};
use mainstay_store::{Backend, Batch, prefix_end};
use proptest::prelude::*;

use crate::subjects::{Memory, OnDisk};

#[derive(Debug, Clone)]
enum Action {
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Lazily(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Flush,
    Reopen,
    Scan { from: Vec<u8>, to: Option<Vec<u8>>, back: bool },
    Prefix(Vec<u8>),
}

/// Few letters, so that keys meet; the edges of a byte among them.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xfe, 0xff]), 0..4)
}

fn changes() -> impl Strategy<Value = Vec<(Vec<u8>, Option<Vec<u8>>)>> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    prop::collection::vec((key(), value), 0..8)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => changes().prop_map(Action::Commit),
        3 => changes().prop_map(Action::Lazily),
        1 => Just(Action::Flush),
        1 => Just(Action::Reopen),
        4 => (key(), prop::option::of(key()), any::<bool>())
            .prop_map(|(from, to, back)| Action::Scan { from, to, back }),
        2 => key().prop_map(Action::Prefix),
    ]
}

fn run(subject: &mut dyn Subject, actions: &[Action]) {
    let mut model = BTreeMap::new();
    for action in actions {
        match action {
            Action::Commit(changes) => {
                subject.store().commit(&apply(&mut model, changes)).unwrap();
            }
            Action::Lazily(changes) => {
                subject.store().commit_lazily(&apply(&mut model, changes)).unwrap();
            }
            Action::Flush => subject.store().flush().unwrap(),
            Action::Reopen => subject.reopen(),
            Action::Scan { from, to, back } => {
                compare(subject, &model, from, to.as_deref(), *back);
            }
            Action::Prefix(prefix) => {
                compare(subject, &model, prefix, prefix_end(prefix).as_deref(), false);
            }
        }
    }
    subject.reopen();
    compare(subject, &model, b"", None, false);
    for (key, value) in &model {
        assert_eq!(subject.store().get(key).unwrap().as_ref(), Some(value));
    }
}

fn apply(model: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in changes.iter().cloned() {
        match value {
            Some(value) => {
                batch.put(key.clone(), value.clone());
                model.insert(key, value);
            }
            None => {
                batch.delete(key.clone());
                model.remove(&key);
            }
        }
    }
    batch
}

fn compare(
    subject: &dyn Subject,
    model: &BTreeMap<Vec<u8>, Vec<u8>>,
    from: &[u8],
    to: Option<&[u8]>,
    back: bool,
) {
    let inside = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
    let mut expected: Vec<_> = model
        .iter()
        .filter(|(key, _)| inside(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if back {
        expected.reverse();
    }
    assert_eq!(pairs(subject.store(), from, to, back), expected);
}

proptest! {
    // A tenth of the usual cases: each writes to a disk.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: ProptestConfig::default().cases / 10,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_store_in_memory_equals_a_map(actions in prop::collection::vec(action(), 0..60)) {
        run(&mut Memory::fresh(), &actions);
    }

    #[test]
    fn a_sled_store_equals_a_map(actions in prop::collection::vec(action(), 0..60)) {
        run(&mut OnDisk::fresh(Backend::Sled), &actions);
    }

    #[test]
    fn a_redb_store_equals_a_map(actions in prop::collection::vec(action(), 0..60)) {
        run(&mut OnDisk::fresh(Backend::Redb), &actions);
    }
}
