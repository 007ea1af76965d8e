//! Which variants of an enum this version reads, and which of them have a vector.

use std::collections::BTreeSet;
use std::path::Path;

use mainstay_protocol::codec::{self, CodecError};
use minicbor::Decode;

/// More than any enum has.
const NUMBERS: u8 = 64;

/// The vectors of a file whose names begin so.
pub(crate) fn vectors(file: &str, prefix: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let digits = |hex: &str, at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    lines
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(_, hex)| (0..hex.len()).step_by(2).map(|at| digits(hex, at)).collect())
        .collect()
}

fn number(number: u8) -> Vec<u8> {
    if number < 24 { vec![number] } else { vec![0x18, number] }
}

/// The number in front of a variant's fields, or alone.
fn number_of(vector: &[u8], alone: bool) -> u8 {
    let at = usize::from(!alone);
    if vector[at] == 0x18 { vector[at + 1] } else { vector[at] }
}

/// The variants that this version reads: for any other number the decoder says that it knows none.
fn known<T: for<'b> Decode<'b, ()>>(alone: bool) -> BTreeSet<u8> {
    let is_known = |n: &u8| {
        let bytes = match alone {
            true => number(*n),
            false => [&[0x82][..], &number(*n), &[0x80]].concat(),
        };
        match codec::decode::<T>(&bytes) {
            Err(CodecError::Malformed(why)) => !why.contains("unknown enum variant"),
            _ => true,
        }
    };
    (0..NUMBERS).filter(is_known).collect()
}

/// Checks that each variant has one among the vectors that begin so; `alone`: a number without fields.
pub(crate) fn has_all<T: for<'b> Decode<'b, ()>>(files: &[&str], prefix: &str, alone: bool) {
    let vectors = files.iter().flat_map(|file| vectors(file, prefix));
    let own = vectors.filter(|vector| codec::decode::<T>(vector).is_ok());
    let there: BTreeSet<u8> = own.map(|vector| number_of(&vector, alone)).collect();
    let known = known::<T>(alone);
    assert!(known.len() > 1 && known.len() < usize::from(NUMBERS), "{known:?}");
    let missing: Vec<_> = known.difference(&there).collect();
    assert!(missing.is_empty(), "{}: no vector for {missing:?}", std::any::type_name::<T>());
}
