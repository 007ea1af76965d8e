//! Whatever row under whatever consent: what is seen is what the consent says, and nothing else.

use mainstay_protocol::codec;
use proptest::prelude::*;

use super::made::{
    CANARY, HEADS, ID, Made, NEVER, NEVER_NUMBER, any_now, choice, consent_of, made, text_of,
};
use super::*;
use crate::journal::When;

/// Everything of a record that could reach somebody: as JSON, and as bytes before compression.
fn everything(entry: &SharedEntry) -> Vec<u8> {
    let record = record(SharedBody::Entry(entry.clone()));
    let mut all = to_json(&record).to_string().into_bytes();
    all.extend(codec::encode(&record));
    all
}

fn finds(all: &[u8], needle: &[u8]) -> bool {
    all.windows(needle.len()).any(|window| window == needle)
}

/// What must not be in any of it, whatever the consent.
fn never_there() -> Vec<Vec<u8>> {
    let hex = |bytes: [u8; 16]| EntryId::from_bytes(bytes).to_string().into_bytes();
    vec![
        NEVER.into(),
        NEVER_NUMBER.to_string().into_bytes(),
        codec::encode(&NEVER_NUMBER),
        b"newer_".to_vec(),
        ID.to_vec(),
        hex(ID),
        HEADS.to_vec(),
        hex(HEADS),
    ]
}

/// The rules, said a second time and in another way: in what detail it is seen, if it is.
fn expected(made: &Made, consent: &Consent, now_ms: i64, choice: Choice) -> Option<Detail> {
    let class = made.class?;
    let written_ms = made.recorded_ms?;
    let alive = consent.event != Event::Withdrawn
        && !matches!(consent.until_ms, Some(end) if end < now_ms)
        && made.row.deleted_at.is_none()
        && now_ms - written_ms >= i64::from(consent.delay_hours) * HOUR_MS;
    match (alive, choice) {
        (false, _) | (_, Choice::Hidden) => None,
        (_, Choice::Added) => Some(Detail::Full),
        (_, Choice::Rule) => {
            let how = consent.scope.of(class)?;
            let early = matches!(how.since, Some(since) if made.first < since);
            let late = matches!(how.until, Some(until) if until < made.last);
            (!early && !late).then_some(how.detail)
        }
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_))
}

#[test]
fn the_search_finds_a_planted_leak() {
    // A projection that forgets to choose: every field as it is, under the entry's own id.
    let leaky = row(
        "check-in",
        "2026-03-29",
        &[
            ("newer_field", Value::Str(format!("{NEVER}-x"))),
            ("newer_number", Value::Int(NEVER_NUMBER)),
        ],
    );
    let mut entry = SharedEntry {
        kind: "check-in".into(),
        at: "2026-03-29".into(),
        fields: leaky.fields.clone(),
    };
    for name in ["kind", "at"] {
        entry.fields.remove(name);
    }
    let heads: String = HEADS.iter().map(|byte| format!("{byte:02x}")).collect();
    for (name, text) in [("a", EntryId::from_bytes(ID).to_string()), ("b", heads)] {
        entry.fields.insert(name.into(), Value::Str(text));
    }
    for (name, bytes) in [("c", ID), ("d", HEADS)] {
        entry.fields.insert(name.into(), Value::Str(String::from_utf8(bytes.into()).unwrap()));
    }
    let all = everything(&entry);
    for needle in never_there() {
        assert!(finds(&all, &needle), "{needle:?}");
    }
}

proptest! {
    #![proptest_config(times(4))]

    #[test]
    fn what_is_seen_is_what_the_consent_says(
        made in made(), consent in consent_of(), now_ms in any_now(), choice in choice(),
    ) {
        let seen = project(&made.row, &consent, now_ms, choice);
        let expected = expected(&made, &consent, now_ms, choice);
        prop_assert_eq!(seen.is_some(), expected.is_some());
        let (Some(seen), Some(detail)) = (seen, expected) else { return Ok(()) };

        let all = everything(&seen);
        for needle in never_there() {
            prop_assert!(!finds(&all, &needle), "{:?}", needle);
        }
        prop_assert_eq!(seen.kind.as_str(), made.row.kind());
        let own_when = made.row.when().unwrap();
        let when: When = seen.at.parse().unwrap();
        prop_assert_eq!(when.date(), own_when.date());
        match detail {
            Detail::Count => prop_assert!(seen.fields.is_empty()),
            Detail::Numbers => prop_assert!(seen.fields.values().all(is_number)),
            Detail::Items => prop_assert_eq!(when.sort_key_ms(), own_when.sort_key_ms()),
            Detail::Full => prop_assert_eq!(&when, &own_when),
        }
        if detail < Detail::Full {
            prop_assert!(!finds(&all, CANARY.as_bytes()));
            prop_assert!(!seen.fields.contains_key("recorded"));
        } else {
            let marked = |(name, value): (&String, &Value)| {
                !["author", "source"].contains(&name.as_str()) && text_of(value).contains(CANARY)
            };
            prop_assert_eq!(seen.fields.iter().filter(|field| marked(*field)).count(), made.marked);
            prop_assert!(seen.fields.contains_key("recorded"));
        }
        if detail < Detail::Items {
            prop_assert_eq!(seen.at.len(), 10, "a bare day");
        }
    }

    #[test]
    fn what_is_seen_can_be_sent_and_reads_back(
        made in made(), consent in consent_of(), now_ms in any_now(), choice in choice(),
    ) {
        if let Some(seen) = project(&made.row, &consent, now_ms, choice) {
            let record = record(SharedBody::Entry(seen));
            let read = SharedRecord::from_bytes(&record.to_bytes().unwrap()).unwrap();
            prop_assert_eq!(to_json(&read), to_json(&record));
            prop_assert_eq!(read, record);
        }
    }

    #[test]
    fn a_narrower_consent_shows_a_part_of_what_a_wider_one_shows(
        made in made(), a in consent_of(), b in consent_of(), now_ms in any_now(), choice in choice(),
    ) {
        let both = meet(&a, &b);
        for wider in [&a, &b] {
            prop_assert!(both.is_narrower_than(wider));
            let Some(less) = project(&made.row, &both, now_ms, choice) else { continue };
            let more = project(&made.row, wider, now_ms, choice);
            prop_assert!(more.is_some());
            let more = more.unwrap();
            for (name, value) in &less.fields {
                let whole = more.fields.get(name);
                prop_assert!(whole.is_some(), "{}", name);
                prop_assert!(is_part(value, whole.unwrap()), "{}", name);
            }
        }
    }
}

/// Equal, or some of a list, or the same time said with less.
fn is_part(less: &Value, more: &Value) -> bool {
    let when = |value: &Value| value.as_str().and_then(|text| text.parse::<When>().ok());
    match (less, more) {
        (Value::Json(less), Value::Json(more)) => {
            let more = more.as_array().unwrap();
            less.as_array().unwrap().iter().all(|item| more.contains(item))
        }
        _ if less == more => true,
        _ => when(less).zip(when(more)).is_some_and(|(a, b)| a.sort_key_ms() == b.sort_key_ms()),
    }
}
