//! Texts that a person types, scans or pastes, and the small names in them.

use jiff::Timestamp;
use mainstay_core::care::{RecordId, Scope};
use mainstay_core::engine::Checkpoint;
use mainstay_core::journal::{EntryId, Month, When, lint};
use mainstay_core::plan::{ItemId, between};
use mainstay_core::space::phrase::{self, Phrase};
use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::hash::Hash;

use super::{Bound, TEXT, Target, text, texts};
use crate::mutate::Form;

const fn target(
    name: &'static str,
    examples: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
) -> Target {
    Target { name, form: Form::Text, max_bytes: 8192, bound: TEXT, examples, run }
}

pub(super) const TARGETS: &[Target] = &[
    target("addresses", address_examples, addresses),
    target("phrases", phrase_examples, phrases),
    target("checkpoints", checkpoint_examples, checkpoints),
    Target {
        form: Form::Bytes,
        ..target("checkpoint-insides", checkpoint_insides, checkpoint_inside)
    },
    target("times", time_examples, times),
    target("scopes", scope_examples, scopes),
    // Places in a list are kept as numbers of eight bytes a digit, of two neighbours and their middle.
    Target { bound: Bound { times: 200, ..TEXT }, ..target("names", name_examples, names) },
];

fn address_examples() -> Vec<Vec<u8>> {
    let pin = "0f".repeat(32);
    ["relay.example.org:4433", "[::1]:1", "127.0.0.1:65535"]
        .iter()
        .flat_map(|place| {
            [format!("mainstay://{place}#{pin}"), format!("mainstay://{place}#{pin},{pin}")]
        })
        .map(String::into_bytes)
        .collect()
}

fn addresses(input: &[u8]) -> bool {
    match text(input).parse::<RelayAddress>() {
        Ok(address) => {
            assert_eq!(address.to_string().parse(), Ok(address));
            true
        }
        Err(error) => error.to_string().is_empty(),
    }
}

fn phrase_examples() -> Vec<Vec<u8>> {
    let of = |byte| Phrase::from_entropy(&[byte; 16]).words().collect::<Vec<_>>().join(" ");
    (0..=255).step_by(17).map(of).map(String::into_bytes).collect()
}

fn phrases(input: &[u8]) -> bool {
    match Phrase::parse(&text(input)) {
        Ok(phrase) => {
            let words = phrase.words().collect::<Vec<_>>();
            assert_eq!(words.len(), phrase::WORDS);
            assert!(Phrase::parse(&words.join(" ")) == Ok(phrase));
            true
        }
        Err(error) => error.to_string().is_empty(),
    }
}

/// Letters and check value of a checkpoint, as its text has them.
fn checkpoint_of(body: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let check = Hash::of("mainstay: checkpoint", &[body]);
    let bytes = [body, &check.0[..4]].concat();
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    (0..bytes.len() * 8)
        .step_by(5)
        .map(|at| char::from(LETTERS[(at..at + 5).fold(0, |value, at| value << 1 | bit(at))]))
        .collect()
}

fn checkpoint_insides() -> Vec<Vec<u8>> {
    let body = |number: u32, total: u64| {
        let total = total.to_be_bytes();
        [&[1][..], &number.to_be_bytes(), &total[2..], &[0xa5; 10], &[0x3c; 10]].concat()
    };
    vec![body(0, 0), body(7, 36_500), body(u32::MAX, u64::MAX >> 16)]
}

fn checkpoint_examples() -> Vec<Vec<u8>> {
    let plain = checkpoint_insides().iter().map(|body| checkpoint_of(body)).collect::<Vec<_>>();
    let grouped = |text: &String| {
        let groups: Vec<&str> =
            text.as_bytes().chunks(5).map(|part| std::str::from_utf8(part).unwrap()).collect();
        groups.join("-")
    };
    plain.iter().map(grouped).chain(plain.clone()).map(String::into_bytes).collect()
}

fn checkpoints(input: &[u8]) -> bool {
    match text(input).parse::<Checkpoint>() {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
            true
        }
        Err(error) => error.to_string().is_empty(),
    }
}

/// What is behind the check value.
fn checkpoint_inside(input: &[u8]) -> bool {
    checkpoints(checkpoint_of(&input[..input.len().min(256)]).as_bytes())
}

fn time_examples() -> Vec<Vec<u8>> {
    texts(&[
        "2026-03-29T09:30:00+02:00[Europe/Berlin]",
        "2026-03-29T09:30:00.120Z",
        "2026-03-29 +01:00[Europe/Berlin]",
        "2026-03-29 evening +02:00[Europe/Berlin]",
        "2026-03-29 night -05:00",
        "2026-03-27T18:00:00+01:00/2026-03-29T12:00:00+02:00[Europe/Berlin]",
        "2026-03-27T18:00:00+01:00[Europe/Berlin]/2026-03-29T12:00:00+09:00[Asia/Tokyo]",
        "2026-07-01",
        "2026-07-01 morning[Asia/Tokyo]",
        "-9999-01-01 -25:59",
        "9999-12-30",
    ])
}

fn times(input: &[u8]) -> bool {
    let Ok(when) = text(input).parse::<When>() else { return false };
    assert_eq!(when.to_string().parse(), Ok(when.clone()), "{when}");
    assert!(when.earliest() <= when.latest(), "{when}");
    let _ = (when.sort_key_ms(), when.month().bounds(), when.date(), when.is_exact());
    true
}

fn scope_examples() -> Vec<Vec<u8>> {
    texts(&[
        "check-ins:numbers,urges:full,plan:edit",
        "check-ins:full@2026-01-01..2026-06-30,use:numbers@..2026-12-31,notes:full@2026-01-01..",
        "contacts:full, meetings:full ,plan:view",
        "none",
    ])
}

fn scopes(input: &[u8]) -> bool {
    match text(input).parse::<Scope>() {
        Ok(scope) => {
            assert_eq!(scope.to_string().parse(), Ok(scope));
            true
        }
        // An error repeats little of what was written, and no sign that a terminal obeys.
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 1000 && !said.contains(char::is_control), "{said:?}");
            false
        }
    }
}

fn name_examples() -> Vec<Vec<u8>> {
    texts(&[
        "02aa5100112233445566778899aabbcc",
        "2026-11",
        "7431-04",
        "V",
        "a0",
        "Slept well. No shame.",
    ])
}

/// Ids, months, an instant, places in a list, and the reader of built-in words.
fn names(input: &[u8]) -> bool {
    let text = text(input);
    let entry = text.parse::<EntryId>().inspect(|id| assert_eq!(id.to_string(), *text));
    let item = text.parse::<ItemId>().inspect(|id| assert_eq!(id.to_string(), *text));
    let record = text.parse::<RecordId>().inspect(|id| assert_eq!(id.to_string(), *text));
    assert!(entry.is_ok() == item.is_ok() && item.is_ok() == record.is_ok());
    let month = text.parse::<Month>().inspect(|month| assert_eq!(month.to_string(), *text));
    if let Ok(instant) = text.parse::<Timestamp>() {
        let _ = Month::of(instant);
    }
    let cut = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let _ = (between(Some(&text), None), between(None, Some(&text)));
    let _ = between(Some(&text[..cut]), Some(&text[cut..]));
    let _ = lint(&text);
    entry.is_ok() || month.is_ok()
}
