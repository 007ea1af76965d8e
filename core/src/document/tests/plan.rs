use super::*;
use crate::plan::{ItemId, PlanEdit, Section};

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
        let conflicts = b.conflicts();
        assert_eq!(a.conflicts(), conflicts, "seed {seed}");
        assert_eq!(PlanDoc::load(&a.save()).unwrap().plan(), b.plan());
    }
}
