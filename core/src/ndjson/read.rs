//! Lines to entries.

use std::io::{self, BufRead};

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Rejected, Why};
use crate::journal::header::{EDITED, RECORDED, SOURCE};
use crate::journal::{Codes, Entry, EntryId, Fields, Source, Value};

/// Bytes of a line, its end not counted: a full note in which every character is escaped, twice.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// An entry read from a line, valid and in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its id: the one given, or one derived from what the line says.
    pub id: EntryId,
    /// Its fields, ready for [`crate::document::EntryDoc::create`].
    pub fields: Fields,
}

/// Reads one line. `now` is the time of import: it stands in for a missing `recorded`.
///
/// A line without an id gets one derived from its other fields (`recorded` only if it is given, and
/// never `edited`), so that importing it again finds the same entry, and two equal lines are one.
///
/// # Errors
/// [`Why`] it is no entry.
pub fn parse_line(line: &str, now: Timestamp) -> Result<Import, Why> {
    if line.len() > MAX_LINE_BYTES {
        return Err(Why::TooLong { max: MAX_LINE_BYTES });
    }
    let json: Json =
        serde_json::from_str(line).map_err(|error| Why::NotJson { column: error.column() })?;
    let Json::Object(mut map) = json else { return Err(Why::NotObject) };
    let given = match map.remove("id") {
        None => None,
        Some(Json::String(id)) => Some(id.parse::<EntryId>().map_err(|_| Why::Id)?),
        Some(_) => return Err(Why::Id),
    };
    let recorded_given = map.contains_key(RECORDED);
    let mut fields: Fields =
        map.into_iter().map(|(name, json)| (name, Value::from(json))).collect();
    fields.entry(RECORDED.to_owned()).or_insert_with(|| Value::Str(now.to_string()));
    fields.entry(SOURCE.to_owned()).or_insert_with(|| Source::Import.code().into());

    let unnamed = EntryId::from_bytes([0; 16]);
    let entry = Entry::from_fields(unnamed, &fields)?;
    entry.validate()?;
    let fields = entry.to_fields();
    let id = given.unwrap_or_else(|| {
        let seed = seed(&fields, recorded_given);
        EntryId::derive(entry.when.month(), seed.as_bytes())
    });
    Ok(Import { id, fields })
}

/// What a line without an id says, in canonical form.
fn seed(fields: &Fields, recorded_given: bool) -> String {
    let said: Map<String, Json> = fields
        .iter()
        .filter(|(name, _)| *name != EDITED && (recorded_given || *name != RECORDED))
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    Json::Object(said).to_string()
}

/// Reads a file line by line. A line beyond [`MAX_LINE_BYTES`] is passed over without being held in
/// memory; empty lines are skipped; a byte order mark and Windows line ends are understood.
pub struct Reader<R> {
    input: R,
    now: Timestamp,
    line: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads entries from `input`; `now` is the time of import.
    pub const fn new(input: R, now: Timestamp) -> Self {
        Self { input, now, line: 0 }
    }

    /// The next entry or rejected line; `None` at the end.
    ///
    /// # Errors
    /// The input's own errors. Everything read before stands.
    pub fn next_entry(&mut self) -> io::Result<Option<Result<Import, Rejected>>> {
        loop {
            let Some(bytes) = self.next_line()? else { return Ok(None) };
            let line = self.line;
            let parsed = match &bytes {
                Err(why) => Err(why.clone()),
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(bytes) => std::str::from_utf8(bytes)
                    .map_err(|_| Why::NotUtf8)
                    .and_then(|text| parse_line(text.trim_ascii(), self.now)),
            };
            return Ok(Some(parsed.map_err(|why| Rejected { line, why })));
        }
    }

    fn next_line(&mut self) -> io::Result<Option<Result<Vec<u8>, Why>>> {
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        let mut line = Vec::new();
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            too_long |= line.len() + part.len() > MAX_LINE_BYTES + BYTE_ORDER_MARK.len();
            if !too_long {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.line += 1;
        if too_long {
            return Ok(Some(Err(Why::TooLong { max: MAX_LINE_BYTES })));
        }
        if self.line == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some(Ok(line)))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Result<Import, Rejected>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}
