//! Changes of a plan that wait to be taken in.

use proptest::prelude::*;

use super::*;
use crate::journal::Patch;
use crate::plan::{ItemId, Plan, PlanEdit, PlanLimits, Section};

fn id(n: u8) -> ItemId {
    ItemId::from_bytes([n; 16])
}

fn add(n: u8, text: &str) -> PlanEdit {
    let (section, text, details) = (Section::CopingSkills, text.to_owned(), Fields::new());
    PlanEdit::Add { id: id(n), section, text, details, position: None }
}

fn say(n: u8, text: &str) -> PlanEdit {
    PlanEdit::Edit { id: id(n), text: Some(text.to_owned()), details: Patch::new() }
}

fn edits(all: &[PlanEdit], sent: u64) -> PlanEdits {
    let none = PlanEdits { base: vec![].into(), first: 1, edits: Vec::new() };
    all.iter().fold(none, |edits, edit| {
        edits.with(WrittenEdit { edit: edit.clone(), at_ms: now() }, sent)
    })
}

fn kept(edits: &PlanEdits) -> Vec<PlanEdit> {
    edits.edits.iter().map(|written| written.edit.clone()).collect()
}

fn item(n: u8, text: &str) -> SharedItem {
    let (section, text, details) = (Section::CopingSkills, text.to_owned(), Fields::new());
    SharedItem { id: id(n), section, text, details }
}

#[test]
fn of_what_was_not_sent_only_the_outcome_is_kept() {
    let all = [add(1, "a"), say(1, "b"), add(2, "c"), PlanEdit::Remove { id: id(2) }, say(1, "d")];
    assert_eq!(kept(&edits(&all, 0)), [add(1, "d")]);
    assert_eq!(
        kept(&edits(&[say(7, "a"), say(8, "x"), say(7, "b")], 0)),
        [say(7, "b"), say(8, "x")]
    );
    // An item of the plan is taken away even if it was changed before.
    let gone = PlanEdit::Remove { id: id(7) };
    assert_eq!(kept(&edits(&[say(7, "a"), gone.clone()], 0)), [gone]);
}

#[test]
fn what_was_sent_is_never_rewritten() {
    let first = edits(&[add(1, "a"), add(2, "b")], 0);
    let written = |edit| WrittenEdit { edit, at_ms: now() };
    let more = first.clone().with(written(say(1, "c")), 2).with(written(say(1, "d")), 2);
    assert_eq!(kept(&more), [add(1, "a"), add(2, "b"), say(1, "d")]);
    assert_eq!((first.last(), more.last()), (2, 3));
    let more = more.with(written(PlanEdit::Remove { id: id(1) }), 2);
    assert_eq!(kept(&more)[..2], [add(1, "a"), add(2, "b")]);
    assert_eq!(kept(&more)[2..], [PlanEdit::Remove { id: id(1) }]);
}

#[test]
fn a_plan_reads_as_if_the_changes_had_been_taken_in() {
    let plan = SharedPlan { items: vec![item(1, "walk"), item(2, "call")], editing: None };
    let moved = PlanEdit::Move { id: id(3), section: Section::CopingSkills, position: 0 };
    let all = [add(3, "sleep"), moved, say(2, "call Jonas"), PlanEdit::Remove { id: id(1) }];
    let texts: Vec<_> = plan.with_edits(&all).items.into_iter().map(|item| item.text).collect();
    assert_eq!(texts, ["sleep", "call Jonas"]);
    // What is not there is left out, and named when it is checked.
    assert_eq!(plan.with_edits(&[say(9, "x")]), plan);
    assert!(plan.check(&say(9, "x")).is_err());
    assert!(plan.check(&say(1, "x")).is_ok());
}

#[test]
fn changes_that_break_a_limit_are_refused() {
    let refused = |edit: PlanEdit| {
        let body = SharedBody::Edits(edits(&[edit], 0));
        let id = RecordId::from_bytes([1; 16]);
        SharedRecord { id, counter: 1, body }.to_bytes().is_err()
    };
    let long = "x".repeat(PlanLimits::TEXT_MAX_BYTES + 1);
    assert!(!refused(add(1, "fine")));
    assert!(refused(add(1, " ")) && refused(add(1, &long)) && refused(say(1, &long)));
    // What was archived is not shown, and not brought back from outside.
    assert!(refused(PlanEdit::Restore { id: id(1) }));
    let foreign = Patch::from([("other".to_owned(), Some(Value::Int(1)))]);
    assert!(refused(PlanEdit::Edit { id: id(1), text: None, details: foreign }));
    let known = Patch::from([("steps".to_owned(), Some(Value::Str("shoes".into())))]);
    assert!(!refused(PlanEdit::Edit { id: id(1), text: None, details: known }));
    let many: Vec<PlanEdit> = (0..=CareLimits::EDITS_MAX as u8).map(|n| add(n, "x")).collect();
    let body = SharedBody::Edits(edits(&many, 0));
    assert!(
        SharedRecord { id: RecordId::from_bytes([1; 16]), counter: 1, body }.to_bytes().is_err()
    );
}

fn any_edit() -> impl Strategy<Value = PlanEdit> {
    let texts = prop::sample::select(vec!["a", "b", "c"]);
    (0..5_u8, 0..4_u8, texts, 0..4_usize).prop_map(
        |(kind, n, text, position): (u8, u8, &str, usize)| match kind {
            0 | 1 => add(n + 10, text),
            2 => say(n + 10, text),
            3 => PlanEdit::Move { id: id(n + 10), section: Section::CopingSkills, position },
            _ => PlanEdit::Remove { id: id(n + 10) },
        },
    )
}

proptest! {
    #![proptest_config(times(2))]

    #[test]
    fn what_is_kept_comes_to_the_same_plan(all in prop::collection::vec(any_edit(), 0..20), sent in 0..6_u64) {
        let plan = SharedPlan { items: vec![item(1, "walk"), item(11, "call")], editing: None };
        // As a device does it: a change that the plan does not take is not kept.
        let mut now = Plan::from(&plan);
        let mut taken = Vec::new();
        for edit in all {
            let fresh = matches!(&edit, PlanEdit::Add { id, .. } if taken.iter().any(|t| item_of(t) == *id));
            if let (false, Ok(edited)) = (fresh, now.edited(&edit)) {
                now = edited;
                taken.push(edit);
            }
        }
        let whole = plan.with_edits(&taken);
        let mut texts: Vec<_> = whole.items.iter().map(|i| (i.id, i.text.clone())).collect();
        let squashed = plan.with_edits(&kept(&edits(&taken, sent)));
        let mut kept: Vec<_> = squashed.items.iter().map(|i| (i.id, i.text.clone())).collect();
        texts.sort();
        kept.sort();
        prop_assert_eq!(texts, kept);
    }
}
