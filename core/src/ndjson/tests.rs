#![allow(clippy::unwrap_used)]

use std::io::{BufReader, Read};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::document::{EntryDoc, Row};

/// The year of a person's log that the journey imports.
const JOURNAL: &str = include_str!("../../../examples/data/journal.ndjson");

fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

fn row(import: &Import) -> Row {
    Row::from_doc(import.id, &EntryDoc::create([1; 16], 0, &import.fields).unwrap())
}

fn rejected(line: &str) -> String {
    parse_line(line, now()).unwrap_err().to_string()
}

const HEAD: &str = r#""kind":"note","at":"2026-03-29T09:30:00+02:00[Europe/Berlin]""#;

#[test]
fn export_import_export_is_equal_to_the_byte() {
    let mut first = Vec::new();
    for parsed in Reader::new(JOURNAL.as_bytes(), now()) {
        let import = parsed.unwrap().unwrap();
        let mut doc = EntryDoc::create([1; 16], 0, &import.fields).unwrap();
        if first.len() % 20 == 0 {
            let patch = [("note".to_owned(), Some("edited here".into()))].into();
            doc.edit([2; 16], 1, &patch).unwrap();
        }
        first.push(to_line(&Row::from_doc(import.id, &doc)));
    }
    let exported = first.join("\n");
    let second: Vec<String> = Reader::new(exported.as_bytes(), Timestamp::UNIX_EPOCH)
        .map(|parsed| to_line(&row(&parsed.unwrap().unwrap())))
        .collect();
    assert_eq!(first, second);
}

#[test]
fn every_line_of_the_sample_year_is_an_entry_with_an_id_of_its_own() {
    let imports: Vec<Import> =
        Reader::new(JOURNAL.as_bytes(), now()).map(|parsed| parsed.unwrap().unwrap()).collect();
    assert!(imports.len() >= 1200, "{}", imports.len());
    let mut ids: Vec<_> = imports.iter().map(|import| import.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), imports.len());
    let rows: Vec<Row> = imports.iter().map(row).collect();
    assert!(rows.iter().any(|row| row.edited));
    for kind in ["check-in", "urge", "use", "contact", "meeting", "note"] {
        assert!(rows.iter().any(|row| row.kind() == kind), "{kind}");
    }
    let longest = imports.iter().filter_map(|i| i.fields.get("note")?.as_str()).map(str::len).max();
    assert!(longest.is_some_and(|bytes| bytes > 18 * 1024));
    assert!(rows.iter().filter(|row| !row.when().unwrap().is_exact()).count() >= 20);
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"];
    assert!(
        zones
            .iter()
            .all(|zone| rows.iter().any(|r| r.when().unwrap().place().zone() == Some(zone)))
    );
}

#[test]
fn the_examples_of_the_documentation_are_entries() {
    let page = include_str!("../../../docs/ndjson.md");
    let examples: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"")).collect();
    assert_eq!(examples.len(), 3);
    for line in examples {
        parse_line(line, now()).unwrap();
    }
    for kind in ["check-in", "urge", "use", "contact", "meeting", "note"] {
        for field in crate::journal::EntryBody::field_names(kind).unwrap() {
            assert!(page.contains(&format!("`{field}`")), "{field} is not documented");
        }
    }
}

#[test]
fn a_line_without_an_id_always_gets_the_same_one() {
    let line = format!("{{{HEAD},\"note\":\"x\"}}");
    let later = now().checked_add(jiff::SignedDuration::from_hours(9)).unwrap();
    let import = parse_line(&line, now()).unwrap();
    assert_eq!(import.id, parse_line(&line, later).unwrap().id);
    assert_eq!(import.id.month().to_string(), "2026-03");
    // The same said in other words of JSON is still the same.
    let spaced = format!("{{ \"note\" : \"\\u0078\", {HEAD} }}");
    assert_eq!(import.id, parse_line(&spaced, now()).unwrap().id);
    assert_ne!(import.id, parse_line(&line.replace("\"x\"", "\"y\""), now()).unwrap().id);
    // Exported and imported again, it keeps it.
    assert_eq!(parse_line(&to_line(&row(&import)), later).unwrap(), import);
}

#[test]
fn a_bad_line_says_what_is_wrong_and_never_what_it_holds() {
    for (line, says) in [
        ("{\"kind\":\"secret", "not JSON"),
        ("[\"secret\"]", "not an object"),
        ("{\"kind\":\"note\",\"note\":\"secret\"}", "`at` is missing"),
        (&format!("{{{HEAD},\"id\":\"secret\"}}"), "`id`"),
        (&format!("{{{HEAD},\"note\":[\"secret\"]}}"), "`note`"),
        (&format!("{{{HEAD},\"note\":\"secret\",\"edited\":\"secret\"}}"), "`edited`"),
        (&format!("{{{HEAD},\"Se-cret!\":\"secret\"}}"), "`Se?cret?`"),
        (
            "{\"kind\":\"check-in\",\"at\":\"2026-03-29\",\"mood\":11,\"note\":\"secret\"}",
            "0 to 10",
        ),
        ("{\"kind\":\"check-in\",\"at\":\"a secret day\"}", "`at`"),
    ] {
        let why = rejected(line);
        assert!(why.contains(says), "{why}");
        assert!(!why.contains("secret"), "{why}");
    }
}

#[test]
fn good_lines_go_in_around_bad_ones_which_are_numbered() {
    let good = format!("{{{HEAD},\"note\":\"x\"}}");
    let file = format!("\u{feff}{good}\r\n\nnonsense\n{{{HEAD}}}\n  \n{{\"kind\":1}}");
    let parsed: Vec<_> =
        Reader::new(file.as_bytes(), now()).map(|parsed| parsed.unwrap()).collect();
    assert_eq!(parsed.iter().filter(|parsed| parsed.is_ok()).count(), 2);
    let lines: Vec<u64> = parsed.iter().filter_map(|p| p.as_ref().err()).map(|r| r.line).collect();
    assert_eq!(lines, [3, 6]);
    let bytes = [b"\xff\n", good.as_bytes()].concat();
    let mut reader = Reader::new(&bytes[..], now());
    assert_eq!(reader.next_entry().unwrap().unwrap().unwrap_err().why, Why::NotUtf8);
    assert!(reader.next_entry().unwrap().unwrap().is_ok());
}

#[test]
fn an_endless_line_is_passed_over_without_being_held() {
    let endless = std::io::repeat(b'x').take(64 * 1024 * 1024);
    let good = format!("\n{{{HEAD}}}");
    let mut reader = Reader::new(BufReader::new(endless.chain(good.as_bytes())), now());
    let rejected = reader.next_entry().unwrap().unwrap().unwrap_err();
    assert_eq!((rejected.line, rejected.why), (1, Why::TooLong { max: MAX_LINE_BYTES }));
    assert!(reader.next_entry().unwrap().unwrap().is_ok());
    assert!(reader.next_entry().unwrap().is_none());
}

proptest! {
    #[test]
    fn any_number_and_text_survive_export_and_import(
        float in any::<f64>().prop_filter("finite", |f| f.is_finite()),
        whole in any::<i64>(),
        big in any::<u64>(),
        text in any::<String>(),
    ) {
        let number = serde_json::Number::from_f64(float).unwrap();
        let text = serde_json::Value::from(text);
        let line = format!("{{{HEAD},\"a\":{number},\"b\":{whole},\"c\":{big},\"d\":{text},\"e\":[{number}]}}");
        let import = parse_line(&line, now()).unwrap();
        let exported = to_line(&row(&import));
        let again = parse_line(&exported, now()).unwrap();
        prop_assert_eq!(to_line(&row(&again)), exported);
        prop_assert_eq!(&again, &import);
        prop_assert_eq!(import.fields.get("a"), Some(&crate::journal::Value::Float(float)));
    }

    #[test]
    fn reading_any_line_never_panics(line in "\\PC{0,200}") {
        let _ = parse_line(&line, now());
    }
}
