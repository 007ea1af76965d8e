//! The protocol's golden vectors as examples to start from.

use std::path::Path;

/// The files that hold encoded values; the others hold hashes.
const FILES: [&str; 8] = [
    "envelopes.hex",
    "refusals.hex",
    "replies.hex",
    "requests.hex",
    "rosters.hex",
    "shares.hex",
    "statements.hex",
    "values.hex",
];

/// Every value of one file.
///
/// # Panics
/// If the file is not there: examples that are missing would make every target pass.
pub fn of(file: &str) -> Vec<Vec<u8>> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol/vectors");
    let text = std::fs::read_to_string(vectors.join(file)).expect("the golden vectors are there");
    text.lines().filter_map(|line| line.split_once(' ')).map(|(_, hex)| unhex(hex)).collect()
}

/// Every value of every file.
pub fn all() -> Vec<Vec<u8>> {
    FILES.iter().flat_map(|file| of(file)).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    (0..hex.len()).step_by(2).map(pair).collect()
}
