//! What bytes must look like before Automerge may see them.
//!
//! Automerge expands run-length encoded columns and inflates compressed ones without a limit of its
//! own, so a few hundred bytes could claim billions of rows. The columns are therefore counted
//! here first (format: <https://automerge.org/automerge-binary-format-spec/>), compressed chunks
//! and columns are refused, and what follows runs under [`contained`], since Automerge has known
//! panics on malformed input.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::DocError;

/// Bytes of a saved document, and of a batch of changes: a full note rewritten about 20 times.
pub const MAX_DOC_BYTES: usize = 4 * 1024 * 1024;

/// Rows of any one column (operations, changes, dependencies): a full note typed about 8 times.
pub const MAX_DOC_ITEMS: u64 = 1 << 19;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const DOCUMENT_CHUNK: u8 = 0;
const CHANGE_CHUNK: u8 = 1;
const HASH_LEN: u64 = 32;
const DEFLATE_BIT: u64 = 0b1000;

/// Runs code that may meet a defect in Automerge; a panic becomes an error.
pub(super) fn contained<T>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, DocError>,
) -> Result<T, DocError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(DocError::Refused(what)))
}

/// Checks a saved document: one document chunk, then any number of changes that wait for others.
/// Returns the chunks.
pub(super) fn document(bytes: &[u8]) -> Result<Vec<&[u8]>, DocError> {
    let chunks = chunks(bytes)?;
    match chunks.split_first() {
        Some(((DOCUMENT_CHUNK, _), rest)) if rest.iter().all(|(kind, _)| *kind == CHANGE_CHUNK) => {
            Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
        }
        _ => Err(DocError::Malformed("not one document followed by changes")),
    }
}

/// Checks concatenated changes and returns each.
pub(super) fn changes(bytes: &[u8]) -> Result<Vec<&[u8]>, DocError> {
    let chunks = chunks(bytes)?;
    if chunks.iter().any(|(kind, _)| *kind != CHANGE_CHUNK) {
        return Err(DocError::Malformed("a chunk that is no plain change"));
    }
    Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
}

fn chunks(bytes: &[u8]) -> Result<Vec<(u8, &[u8])>, DocError> {
    if bytes.len() > MAX_DOC_BYTES {
        return Err(DocError::TooLarge { max: MAX_DOC_BYTES });
    }
    let mut rest = Reader(bytes);
    let mut found = Vec::new();
    // All chunks together may hold no more than one document.
    let mut budget = MAX_DOC_ITEMS;
    while !rest.0.is_empty() {
        let start = rest.0;
        let (kind, body) = chunk(&mut rest).ok_or(DocError::Malformed("a broken chunk"))?;
        let items = match kind {
            DOCUMENT_CHUNK => document_items(body),
            CHANGE_CHUNK => change_items(body),
            _ => return Err(DocError::Malformed("a compressed or unknown chunk")),
        };
        let items = items.ok_or(DocError::Malformed("columns that cannot be counted"))?;
        budget = budget.checked_sub(items).ok_or(DocError::Malformed("too many rows"))?;
        found.push((kind, &start[..start.len() - rest.0.len()]));
    }
    Ok(found)
}

fn chunk<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    if reader.take(4)? != MAGIC {
        return None;
    }
    reader.take(4)?; // The checksum: Automerge verifies it.
    let kind = *reader.take(1)?.first()?;
    let len = reader.unsigned()?;
    Some((kind, reader.take(len)?))
}

/// The longest column of a document chunk.
fn document_items(body: &[u8]) -> Option<u64> {
    let mut reader = Reader(body);
    for _ in 0..reader.unsigned()? {
        reader.sized()?; // actors
    }
    let heads = reader.unsigned()?;
    reader.take(heads.checked_mul(HASH_LEN)?)?;
    let change_columns = columns(&mut reader)?;
    let op_columns = columns(&mut reader)?;
    Some(count(&mut reader, &change_columns)?.max(count(&mut reader, &op_columns)?))
}

/// The longest column of a change chunk.
fn change_items(body: &[u8]) -> Option<u64> {
    let mut reader = Reader(body);
    let deps = reader.unsigned()?;
    reader.take(deps.checked_mul(HASH_LEN)?)?;
    reader.sized()?; // actor
    reader.unsigned()?; // sequence
    reader.unsigned()?; // first operation
    reader.signed()?; // time
    reader.sized()?; // message
    for _ in 0..reader.unsigned()? {
        reader.sized()?; // other actors
    }
    let op_columns = columns(&mut reader)?;
    count(&mut reader, &op_columns)
}

/// Column specifications and lengths; `None` also if one is compressed.
fn columns(reader: &mut Reader<'_>) -> Option<Vec<(u64, u64)>> {
    let mut columns = Vec::new();
    for _ in 0..reader.unsigned()? {
        let spec = reader.unsigned()?;
        if spec & DEFLATE_BIT != 0 {
            return None;
        }
        columns.push((spec, reader.unsigned()?));
    }
    Some(columns)
}

fn count(reader: &mut Reader<'_>, columns: &[(u64, u64)]) -> Option<u64> {
    let mut longest = 0;
    for (spec, len) in columns {
        longest = column_items(spec & 0b111, reader.take(*len)?)?.max(longest);
    }
    Some(longest)
}

/// How many rows a column claims to have; for a group column also how many it claims for others.
fn column_items(kind: u64, data: &[u8]) -> Option<u64> {
    let mut column = Reader(data);
    let (mut rows, mut grouped) = (0u64, 0u64);
    while !column.0.is_empty() {
        match kind {
            7 => return Some(0), // raw values: their lengths are elsewhere
            4 => rows = rows.checked_add(column.unsigned()?)?,
            _ => match column.signed()? {
                0 => rows = rows.checked_add(column.unsigned()?)?,
                run @ 1.. => {
                    let value = column.value(kind)?;
                    rows = rows.checked_add(run.unsigned_abs())?;
                    grouped = grouped.checked_add(value.checked_mul(run.unsigned_abs())?)?;
                }
                literals => {
                    for _ in 0..literals.unsigned_abs() {
                        grouped = grouped.checked_add(column.value(kind)?)?;
                    }
                    rows = rows.checked_add(literals.unsigned_abs())?;
                }
            },
        }
    }
    Some(rows.max(grouped))
}

/// Reads from the front; `None` at the first thing that does not fit.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let len = self.unsigned()?;
        self.take(len)
    }

    /// One value of a run-length encoded column; a number only where it counts other rows.
    fn value(&mut self, kind: u64) -> Option<u64> {
        match kind {
            0 => self.unsigned(),
            5 => self.sized().map(|_| 0),
            3 => self.signed().map(|_| 0),
            _ => self.unsigned().map(|_| 0),
        }
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (bits, _, _) = self.leb128()?;
        u64::try_from(bits).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let (bits, shift, negative) = self.leb128()?;
        let value = i128::try_from(bits).ok()? - if negative { 1i128 << shift } else { 0 };
        i64::try_from(value).ok()
    }

    /// Bits, their number, and whether the sign bit of a signed reading is set.
    fn leb128(&mut self) -> Option<(u128, u32, bool)> {
        let mut bits = 0u128;
        for at in 0..10u32 {
            let byte = *self.take(1)?.first()?;
            bits |= u128::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some((bits, 7 * (at + 1), byte & 0x40 != 0));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_read_as_leb128() {
        assert_eq!(Reader(&[0xe5, 0x8e, 0x26]).unsigned(), Some(624_485));
        assert_eq!(Reader(&[0xc0, 0xbb, 0x78]).signed(), Some(-123_456));
        assert_eq!(Reader(&[0x7f]).signed(), Some(-1));
        assert_eq!(Reader(&[0x80; 11]).unsigned(), None);
        assert_eq!(Reader(&[0xff; 9]).unsigned(), None);
    }

    #[test]
    fn a_run_of_billions_in_six_bytes_is_counted_and_not_expanded() {
        let nulls = [0, 0x80, 0x80, 0x80, 0x80, 0x20];
        assert_eq!(column_items(2, &nulls), Some(1 << 33));
        let group_of_many = [1, 0x80, 0x80, 0x80, 0x80, 0x20];
        assert_eq!(column_items(0, &group_of_many), Some(1 << 33));
        assert_eq!(column_items(2, &[0x7e, 5, 6]), Some(2));
        assert_eq!(column_items(2, &[0x7e, 5]), None);
    }

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(contained::<()>("test", || panic!("upstream")), Err(DocError::Refused("test")));
    }
}
