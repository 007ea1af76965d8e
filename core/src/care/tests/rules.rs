//! One rule each.

use serde_json::json;

use super::*;
use crate::journal::EntryBody;
use crate::plan::{ItemId, Plan, PlanItem, Section};

fn seen(row: &Row, scope: &str) -> Option<SharedEntry> {
    project(row, &consent(scope), now(), Choice::Rule)
}

fn names(entry: &SharedEntry) -> Vec<&str> {
    entry.fields.keys().map(String::as_str).collect()
}

fn an_urge() -> Row {
    row(
        "urge",
        "2026-03-29T23:30:00+02:00[Europe/Berlin]",
        &[
            ("intensity", Value::Int(80)),
            ("company", "Anna".into()),
            ("outcome", "passed".into()),
            ("triggers", Value::Json(json!(["conflict", "payday"]))),
            ("coping", Value::Json(json!(["called Jonas"]))),
            ("note", "am Fluss".into()),
        ],
    )
}

#[test]
fn every_field_of_every_kind_has_a_sort_and_every_kind_a_class() {
    for (kind, _) in crate::journal::KIND_WORDS {
        assert!(Class::of_kind(kind).is_some(), "{kind}");
        for field in EntryBody::field_names(kind).unwrap() {
            assert!(super::super::known::sort_of(kind, field).is_some(), "{kind} {field}");
        }
    }
    assert_eq!(Class::of_kind("plan"), None);
    assert_eq!(Class::of_kind("dream"), None);
}

#[test]
fn each_detail_shows_more_than_the_one_before() {
    let urge = an_urge();
    let count = seen(&urge, "urges:count").unwrap();
    assert_eq!((count.at.as_str(), names(&count)), ("2026-03-29", vec![]));
    let numbers = seen(&urge, "urges:numbers").unwrap();
    assert_eq!((numbers.at.as_str(), names(&numbers)), ("2026-03-29", vec!["intensity"]));
    let items = seen(&urge, "urges:items").unwrap();
    assert_eq!(items.at, "2026-03-29T23:30:00+02:00");
    assert_eq!(names(&items), ["intensity", "outcome", "triggers"]);
    assert_eq!(items.fields["triggers"], Value::Json(json!(["conflict"])));
    let full = seen(&urge, "urges:full").unwrap();
    assert_eq!(full.at, "2026-03-29T23:30:00+02:00[Europe/Berlin]");
    let all = ["company", "coping", "intensity", "note", "outcome", "recorded", "triggers"];
    assert_eq!(names(&full), all);
}

#[test]
fn a_list_of_own_words_is_left_out_rather_than_shown_as_none() {
    let own = row("urge", "2026-03-29", &[("coping", Value::Json(json!(["called Jonas"])))]);
    assert_eq!(names(&seen(&own, "urges:items").unwrap()), [""; 0]);
    let none = row("urge", "2026-03-29", &[("coping", Value::Json(json!([])))]);
    assert_eq!(seen(&none, "urges:items").unwrap().fields["coping"], Value::Json(json!([])));
}

#[test]
fn unknown_stays_unknown_and_is_neither_zero_nor_no() {
    let bare =
        row("check-in", "2026-03-29", &[("mood", Value::Null), ("tired", Value::Bool(false))]);
    let seen = seen(&bare, "check-ins:numbers").unwrap();
    assert_eq!(names(&seen), ["tired"]);
}

#[test]
fn a_class_that_is_not_named_is_not_shared_nor_is_a_kind_from_a_newer_version() {
    assert_eq!(seen(&an_urge(), "check-ins:full,use:full"), None);
    let dream = row("dream", "2026-03-29", &[("note", "x".into())]);
    let all = "check-ins:full,urges:full,use:full,contacts:full,meetings:full,notes:full,plan:edit";
    assert_eq!(seen(&dream, all), None);
    assert_eq!(project(&dream, &consent(all), now(), Choice::Added), None);
    assert_eq!(due_ms(&dream, &consent(all)), None);
}

#[test]
fn a_deleted_entry_is_not_shared_even_if_it_was_added() {
    let deleted = Row { deleted_at: Some(1), ..an_urge() };
    for choice in [Choice::Rule, Choice::Added] {
        assert_eq!(project(&deleted, &consent("urges:full"), now(), choice), None);
    }
}

#[test]
fn hiding_always_wins_and_adding_shows_one_entry_in_full() {
    let only_plan = consent("plan:view");
    let added = project(&an_urge(), &only_plan, now(), Choice::Added).unwrap();
    assert!(added.fields.contains_key("note"));
    assert!(project(&an_urge(), &consent("none"), now(), Choice::Added).is_some());
    assert_eq!(project(&an_urge(), &consent("urges:full"), now(), Choice::Hidden), None);
    let later = consent("urges:count@2026-06-01..");
    assert!(project(&an_urge(), &later, now(), Choice::Added).is_some());
    let over = only_plan.withdrawn(now());
    assert_eq!(project(&an_urge(), &over, now(), Choice::Added), None);
}

#[test]
fn the_delay_counts_from_when_it_was_written_down_and_holds_for_added_entries() {
    let mut delayed = consent("urges:full");
    delayed.delay_hours = 48;
    let due = ms("2026-04-01T08:00:00Z");
    assert_eq!(due_ms(&an_urge(), &delayed), Some(due));
    for choice in [Choice::Rule, Choice::Added] {
        assert_eq!(project(&an_urge(), &delayed, due - 1, choice), None);
        assert!(project(&an_urge(), &delayed, due, choice).is_some());
    }
}

#[test]
fn an_entry_that_does_not_say_when_it_was_written_down_or_happened_is_not_shared() {
    for (name, value) in [
        ("recorded", Value::Str("soon".into())),
        ("recorded", Value::Int(5)),
        ("at", "a newer form".into()),
        ("kind", Value::Null),
    ] {
        let mut row = an_urge();
        row.fields.insert(name.into(), value);
        assert_eq!(seen(&row, "urges:full"), None, "{name}");
        row.fields.remove(name);
        assert_eq!(seen(&row, "urges:full"), None, "{name}");
    }
}

#[test]
fn the_days_of_a_scope_are_those_where_it_happened() {
    // Already the 30th in Auckland, still the 29th in New York.
    let late = row("note", "2026-03-29T23:30:00-04:00[America/New_York]", &[]);
    assert!(seen(&late, "notes:count@..2026-03-29").is_some());
    assert!(seen(&late, "notes:count@2026-03-29..2026-03-29").is_some());
    assert_eq!(seen(&late, "notes:count@2026-03-30.."), None);
    assert_eq!(seen(&late, "notes:count@..2026-03-28"), None);
}

#[test]
fn a_range_is_shared_only_if_all_of_it_lies_within_the_days() {
    let weekend = row("use", "2026-03-27T18:00:00+01:00/2026-03-29T12:00:00+02:00", &[]);
    assert!(seen(&weekend, "use:count@2026-03-27..2026-03-29").is_some());
    assert_eq!(seen(&weekend, "use:count@2026-03-27..2026-03-28"), None);
    assert_eq!(seen(&weekend, "use:count@2026-03-28..2026-03-29"), None);
}

#[test]
fn after_its_end_a_consent_shares_nothing() {
    let mut ends = consent("urges:full,plan:edit");
    ends.until_ms = Some(now());
    assert!(project(&an_urge(), &ends, now(), Choice::Rule).is_some());
    assert_eq!(project(&an_urge(), &ends, now() + 1, Choice::Rule), None);
    assert!(project_plan(&plan(), &ends, now()).is_some());
    assert_eq!(project_plan(&plan(), &ends, now() + 1), None);
}

fn item(id: u8, order: &str, archived_at_ms: Option<i64>) -> PlanItem {
    let details = [("reach", "555 0100".into()), ("newer_detail", Value::Str("secret".into()))];
    PlanItem {
        id: ItemId::from_bytes([id; 16]),
        section: Section::Supports,
        text: format!("person {id}"),
        details: details.map(|(name, value)| (name.to_owned(), value)).into(),
        order: order.into(),
        archived_at_ms,
    }
}

fn plan() -> Plan {
    Plan::from_items([item(1, "k", None), item(2, "V", None), item(3, "a", Some(9))])
}

#[test]
fn of_the_plan_items_in_use_are_seen_in_order_with_the_details_of_their_sections() {
    let seen = project_plan(&plan(), &consent("plan:view"), now()).unwrap();
    let texts: Vec<&str> = seen.items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(texts, ["person 2", "person 1"]);
    assert_eq!(seen.items[0].details.keys().collect::<Vec<_>>(), ["reach"]);
    assert_eq!(project_plan(&plan(), &consent("urges:full"), now()), None);
    let json = to_json(&record(SharedBody::Plan(seen)));
    assert_eq!(json["sections"][0]["title"], "people I can call");
    assert_eq!(json["sections"][0]["items"][0]["details"]["reach"], "555 0100");
}

#[test]
fn what_people_wrote_is_not_printed_for_debugging() {
    let seen = seen(&an_urge(), "urges:full").unwrap();
    let plan = project_plan(&plan(), &consent("plan:view"), now()).unwrap();
    let printed = format!(
        "{seen:?} {plan:?} {:?} {:?} {:?}",
        consent("urges:full"),
        consent("urges:full").recipient,
        record(SharedBody::Comment {
            on: Target::Plan,
            text: "about Jonas".into(),
            written_at_ms: 0
        }),
    );
    for word in ["Fluss", "Anna", "Jonas", "person", "555", "Vogt", "Nord", "request", "2026-03"] {
        assert!(!printed.contains(word), "{word} in {printed}");
    }
}
