use proptest::prelude::*;

use super::*;
use crate::journal::apply;

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

}

/// The single changes of a history, as they would arrive in envelopes of their own.
fn history(edits: u8) -> (EntryDoc, Vec<Vec<u8>>) {
    let mut doc = created();
    let mut changes = vec![doc.changes_since(&Heads::default())];
    for n in 0..edits {
        let before = doc.heads();
        let mut other = doc.clone();
        doc.edit([n; 16], 1, &set("mood", Value::Int(n.into()))).unwrap();
        changes.push(doc.changes_since(&before));
        if n % 3 == 0 {
            other.edit([n + 100; 16], 1, &set("mood", Value::Int(-1))).unwrap();
            changes.push(other.changes_since(&before));
            doc.merge(&other).unwrap();
        }
    }
    (doc, changes)
}

proptest! {
    #[test]
    fn changes_in_any_order_some_of_them_twice_give_the_same_document(
        order in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(),
        twice in 0..9usize,
        reopen in 0..9usize,
    ) {
        let (expected, changes) = history(6);
        prop_assert_eq!(changes.len(), 9);
        let mut doc = EntryDoc::empty();
        for at in order {
            doc.apply(&changes[at]).unwrap();
            if at == twice {
                let size = doc.save().len();
                doc.apply(&changes[at]).unwrap();
                prop_assert_eq!(doc.save().len(), size);
            }
            if at == reopen {
                doc = EntryDoc::load(&doc.save()).unwrap();
            }
        }
        prop_assert!(!doc.missing());
        prop_assert_eq!(doc.heads(), expected.heads());
        prop_assert_eq!(doc.fields(), expected.fields());
        prop_assert_eq!(doc.conflicts(), expected.conflicts());
    }
}
