#![allow(clippy::unwrap_used)]

mod consents;
mod edits;
mod forms;
mod leaks;
mod made;
mod records;
mod rules;

use jiff::Timestamp;
use proptest::test_runner::Config as ProptestConfig;

use super::*;
use crate::document::Row;
use crate::journal::{EntryId, Fields, Value};

const HOUR_MS: i64 = 3600 * 1000;

/// So many times the cases that a property test has: 256, or what `PROPTEST_CASES` says.
fn times(factor: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.saturating_mul(factor), ..default }
}

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn consent(scope: &str) -> Consent {
    let recipient = Recipient {
        name: "M. Vogt".into(),
        organisation: "Beratungsstelle Nord".into(),
        role: "counsellor".into(),
        key_fingerprint: [7; 32],
        verified: Verified::InPerson,
    };
    Consent::given(
        recipient,
        scope.parse().unwrap(),
        "at my own request",
        ms("2026-01-01T00:00:00Z"),
    )
}

/// A row with what every entry has, and these fields.
fn row(kind: &str, at: &str, fields: &[(&str, Value)]) -> Row {
    let mut all: Fields =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    all.insert("kind".into(), kind.into());
    all.insert("at".into(), at.into());
    all.entry("recorded".into()).or_insert("2026-03-30T08:00:00Z".into());
    Row {
        id: EntryId::from_bytes([0xe1; 16]),
        fields: all,
        heads_digest: [0xd1; 16],
        deleted_at: None,
        conflicted: true,
        edited: true,
    }
}

fn now() -> i64 {
    ms("2026-04-01T00:00:00Z")
}

fn record(body: SharedBody) -> SharedRecord {
    SharedRecord { id: RecordId::from_bytes([0x5a; 16]), counter: 3, body }
}
