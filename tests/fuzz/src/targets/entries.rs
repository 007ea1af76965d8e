//! Entries as they are imported and exported, and the small values that rows and intents hold.

use jiff::Timestamp;
use mainstay_core::document::{EntryDoc, Heads, Row};
use mainstay_core::journal::{EntryId, Fields, Month, Patch, Value, apply, diff};
use mainstay_core::ndjson::{self, Import, MAX_LINE_BYTES, Reader};
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_core::space::slot::SlotName;
use mainstay_protocol::codec;

use super::wire::same;
use super::{Bound, Target, text, texts};
use crate::mutate::Form;

/// An entry becomes a document and that a row: Automerge takes some hundred bytes for each character of
/// a long text, more than JSON does (32 bytes for two bytes of a list, while it grows twice that).
const ENTRY: Bound = Bound { base_bytes: 4 << 20, times: 1000 };
/// A file is read a line at a time.
const FILE: Bound = Bound { base_bytes: 4 << 20, times: 100 };

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "import-lines",
        form: Form::Text,
        max_bytes: MAX_LINE_BYTES + 1,
        bound: ENTRY,
        examples: line_examples,
        run: lines,
    },
    Target {
        name: "import-files",
        form: Form::Text,
        max_bytes: 2 * MAX_LINE_BYTES,
        bound: FILE,
        examples: file_examples,
        run: files,
    },
    Target {
        name: "rows",
        form: Form::Bytes,
        max_bytes: 256 * 1024,
        bound: ENTRY,
        examples: row_examples,
        run: rows,
    },
];

pub(super) fn now() -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000).unwrap()
}

pub(super) const LINES: [&str; 8] = [
    r#"{"kind":"check-in","at":"2026-03-29T09:30:00+02:00[Europe/Berlin]","mood":6,"craving":3,"sleep_hours":6.5,"hungry":false,"signs":["isolating","own words"],"day_difficulty":2,"note":"Slept well."}"#,
    r#"{"id":"02a20102030405060708090a0b0c0d0e","kind":"urge","at":"2026-03-29 evening +02:00[Europe/Berlin]","intensity":70,"duration_minutes":20,"company":"alone","triggers":["payday"],"coping":["walk"],"outcome":"passed","recorded":"2026-03-30T08:00:00Z"}"#,
    r#"{"kind":"use","at":"2026-03-27T18:00:00+01:00/2026-03-29T12:00:00+02:00[Europe/Berlin]","substance":"alcohol","amount":"three beers","own_word":"slip","guilt":4}"#,
    r#"{"kind":"contact","at":"2026-03-29","role":"sponsor","channel":"call","outcome":"reached"}"#,
    r#"{"kind":"meeting","at":"2026-03-29T19:00:00Z","meeting":"mutual-help","attendance":"attended","place":"church hall"}"#,
    r#"{"kind":"note","at":"2026-03-29 night -05:00","note":"über 🌊 \u0000 \"quoted\"","author":"counsellor:x","source":"import","edited":true}"#,
    r#"{"kind":"dream","at":"2026-03-29","of_a_newer_version":{"a":[1,null,1e300,{"b":"c"}]},"big":18446744073709551615,"x":null}"#,
    r#"{"kind":"check-in","at":"1900-01-01","mood":0,"extra":-0.0,"small":5e-324,"list":[]}"#,
];

fn line_examples() -> Vec<Vec<u8>> {
    let long = format!(r#"{{"kind":"note","at":"2026-03-29","note":"{}"}}"#, "ab ".repeat(300));
    [texts(&LINES), vec![long.into_bytes()]].concat()
}

fn file_examples() -> Vec<Vec<u8>> {
    vec![
        LINES.join("\n").into_bytes(),
        format!("\u{feff}{}\r\n\r\n  \n{}", LINES[0], LINES[3]).into_bytes(),
        format!("{}\n{}\n", "x".repeat(MAX_LINE_BYTES + 4), LINES[1]).into_bytes(),
    ]
}

/// The row that an imported line becomes.
pub(super) fn row(import: &Import) -> Option<Row> {
    let doc = EntryDoc::create([7; 16], 1_795_000_000_000, &import.fields).ok()?;
    Some(Row::from_doc(import.id, &doc))
}

fn lines(input: &[u8]) -> bool {
    match ndjson::parse_line(&text(input), now()) {
        Ok(import) => {
            stands(&import);
            true
        }
        Err(why) => why.to_string().is_empty(),
    }
}

/// What was imported is exported to a line that imports as the same entry, and so on for ever.
fn stands(import: &Import) {
    let shown = row(import).expect("what was imported makes a document");
    let line = ndjson::to_line(&shown);
    let again = ndjson::parse_line(&line, now()).expect("what was exported is imported again");
    assert_eq!(again.id, import.id);
    let shown_again = row(&again).unwrap();
    assert!(shown_again.fields == shown.fields, "a field changed: {line}");
    assert_eq!(ndjson::to_line(&shown_again), line);
    let _ = (ndjson::to_json(&shown), shown.sort_key_ms(), shown.kind().len());
}

fn files(input: &[u8]) -> bool {
    let mut reader = Reader::new(input, now());
    let (mut any, mut last) = (false, 0);
    while let Some(entry) = reader.next_entry().expect("memory can be read") {
        match entry {
            Ok(_) => any = true,
            Err(rejected) => {
                assert!(rejected.line > last, "lines are counted upwards");
                last = rejected.line;
            }
        }
    }
    any
}

fn row_examples() -> Vec<Vec<u8>> {
    let imports = LINES.iter().map(|line| ndjson::parse_line(line, now()).unwrap());
    let mut examples = Vec::new();
    for import in imports {
        let row = row(&import).unwrap();
        let patch: Patch = diff(&Fields::new(), &row.fields);
        examples.extend([codec::encode(&row), codec::encode(&row.fields), codec::encode(&patch)]);
        examples.extend(row.fields.values().map(codec::encode));
    }
    let (id, section) = (ItemId::from_bytes([1; 16]), Section::CopingSkills);
    let details = Fields::from([("steps".to_owned(), Value::Json(serde_json::json!(["a"])))]);
    let text = "walk".to_owned();
    let edits = [
        PlanEdit::Add { id, section: section.clone(), text, details, position: Some(3) },
        PlanEdit::Edit { id, text: None, details: Patch::from([("steps".to_owned(), None)]) },
        PlanEdit::Move { id, section, position: usize::MAX },
        PlanEdit::Remove { id },
        PlanEdit::Restore { id },
    ];
    examples.extend(edits.iter().map(codec::encode));
    examples.push(codec::encode(&Heads::new(vec![[9; 32], [1; 32]])));
    let names =
        [SlotName::Plan, SlotName::Chapter(674), SlotName::Page(0), SlotName::Record([3; 16])];
    examples.extend(names.iter().map(codec::encode));
    examples
}

fn rows(input: &[u8]) -> bool {
    if let Some(row) = same::<Row>(input) {
        let _ = (ndjson::to_line(&row), row.sort_key_ms(), row.when());
        // A row that no document could have shown gives none.
        if let Ok(doc) = row.derive_doc() {
            let _ = (Row::from_doc(row.id, &doc), doc.conflicts());
        }
        return true;
    }
    if let (Some(patch), Ok(fields)) = (same::<Patch>(input), codec::decode::<Fields>(input)) {
        let mut changed = Fields::new();
        apply(&mut changed, &patch);
        assert!(changed == fields);
        return true;
    }
    same::<Fields>(input).is_some()
        | same::<Value>(input).is_some()
        | same::<Heads>(input).is_some()
        | same::<PlanEdit>(input).is_some()
        | same::<Section>(input).is_some()
        | same::<SlotName>(input).is_some()
        | same::<EntryId>(input).is_some()
        | same::<Month>(input).is_some()
}
