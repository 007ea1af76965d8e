//! Entry ↔ fields, without loss.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Author, Entry, EntryBody, EntryId, Fields, Source, Value, When};

/// Names of the fields every entry has.
pub(crate) mod header {
    pub(crate) const KIND: &str = "kind";
    pub(crate) const AT: &str = "at";
    pub(crate) const RECORDED: &str = "recorded";
    pub(crate) const AUTHOR: &str = "author";
    pub(crate) const SOURCE: &str = "source";
    pub(crate) const EDITED: &str = "edited";
}

/// Fields that do not make an entry. It names the field, never its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldsError {
    /// A field every entry needs is not there.
    #[error("field `{0}` is missing; every entry needs kind, at and recorded")]
    Missing(&'static str),
    /// A field does not have the form it needs.
    #[error("field `{field}` has the wrong form: {expected}")]
    Form {
        /// Which field.
        field: String,
        /// What it needs to be.
        expected: String,
    },
}

impl Entry {
    /// The flat form. The id is not part of it: it is the document's name.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let mut fields = self.extra.clone();
        if let Ok(Json::Object(body)) = serde_json::to_value(&self.body) {
            fields.extend(body.into_iter().map(|(name, json)| (name, Value::from(json))));
        }
        let mut put = |name: &str, text: String| fields.insert(name.to_owned(), Value::Str(text));
        put(header::KIND, self.body.kind().to_owned());
        put(header::AT, self.when.to_string());
        put(header::RECORDED, self.recorded_at.to_string());
        put(header::SOURCE, super::Codes::code(&self.source).to_owned());
        if self.author != Author::Person {
            put(header::AUTHOR, self.author.to_string());
        }
        if self.edited_before {
            fields.insert(header::EDITED.to_owned(), Value::Bool(true));
        }
        fields
    }

    /// The entry these fields describe. Fields this version does not know end up in
    /// [`Entry::extra`]; a missing author is the person and a missing source an import.
    ///
    /// # Errors
    /// [`FieldsError`] names the field that is missing or has the wrong form. Limits are not
    /// checked here but by [`Entry::validate`].
    pub fn from_fields(id: EntryId, fields: &Fields) -> Result<Self, FieldsError> {
        let kind = text(fields, header::KIND)?.ok_or(FieldsError::Missing(header::KIND))?;
        let when = text(fields, header::AT)?.ok_or(FieldsError::Missing(header::AT))?;
        let when: When = when.parse().map_err(|error| form(header::AT, &error))?;
        let recorded =
            text(fields, header::RECORDED)?.ok_or(FieldsError::Missing(header::RECORDED))?;
        let recorded_at = recorded
            .parse::<Timestamp>()
            .map_err(|_| form(header::RECORDED, &"an instant such as 2026-03-29T07:30:00Z"))?;
        let author = text(fields, header::AUTHOR)?.map(|text| Author::from(text.to_owned()));
        let source = text(fields, header::SOURCE)?.map_or(Source::Import, Source::from);
        let edited_before = match fields.get(header::EDITED) {
            None => false,
            Some(Value::Bool(edited)) => *edited,
            Some(_) => return Err(form(header::EDITED, &"true or false")),
        };
        let known = EntryBody::field_names(kind).unwrap_or(&[]);
        let (body, extra) = split(fields, known);
        let body = read_body(kind, body)?;
        let author = author.unwrap_or_default();
        Ok(Self { id, body, when, recorded_at, author, source, edited_before, extra })
    }
}

fn text<'a>(fields: &'a Fields, name: &'static str) -> Result<Option<&'a str>, FieldsError> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text)),
        Some(_) => Err(form(name, &"text")),
    }
}

fn form(field: &str, expected: &dyn std::fmt::Display) -> FieldsError {
    FieldsError::Form { field: field.to_owned(), expected: expected.to_string() }
}

/// Known fields that hold something, as JSON; and everything unknown. A known field that is
/// explicitly null is kept among the unknown, so that it survives.
fn split(fields: &Fields, known: &[&str]) -> (Map<String, Json>, Fields) {
    use header::{AT, AUTHOR, EDITED, KIND, RECORDED, SOURCE};
    let mut body = Map::new();
    let mut extra = Fields::new();
    for (name, value) in fields {
        if [AT, AUTHOR, EDITED, KIND, RECORDED, SOURCE].contains(&name.as_str()) {
            continue;
        }
        if known.contains(&name.as_str()) && *value != Value::Null {
            body.insert(name.clone(), value.clone().into());
        } else {
            extra.insert(name.clone(), value.clone());
        }
    }
    (body, extra)
}

fn read_body(kind: &str, body: Map<String, Json>) -> Result<EntryBody, FieldsError> {
    if EntryBody::field_names(kind).is_none() {
        return Ok(EntryBody::Other(kind.to_owned()));
    }
    read_tagged(kind, body.clone()).map_err(|whole| {
        // Which field was it? Every field is optional, so each can be tried alone.
        body.into_iter()
            .find_map(|(name, json)| {
                let error = read_tagged(kind, Map::from_iter([(name.clone(), json)])).err()?;
                Some(form(&name, &expectation(&error)))
            })
            .unwrap_or_else(|| form(header::KIND, &expectation(&whole)))
    })
}

fn read_tagged(kind: &str, mut body: Map<String, Json>) -> Result<EntryBody, serde_json::Error> {
    body.insert(header::KIND.to_owned(), kind.into());
    serde_json::from_value(Json::Object(body))
}

/// What serde expected, without what it got: that may be a person's words.
fn expectation(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let from_serde = ["invalid type", "invalid value", "invalid length"];
    if from_serde.iter().any(|start| message.starts_with(start))
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        return format!("expected {}", plain(expected));
    }
    "see docs/ndjson.md for its form".to_owned()
}

fn plain(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "f64" => "a number",
        "a string" | "string" => "text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id() -> EntryId {
        EntryId::from_bytes([7; 16])
    }

    fn fields(json: &str) -> Fields {
        let map: Map<String, Json> = serde_json::from_str(json).unwrap();
        map.into_iter().map(|(name, json)| (name, Value::from(json))).collect()
    }

    const HEAD: &str = r#""at":"2026-03-29 evening +02:00[Europe/Berlin]","recorded":"2026-03-30T08:00:00Z","source":"typed""#;

    #[test]
    fn every_kind_survives_fields_and_back_with_what_it_does_not_know() {
        for body in [
            r#""kind":"check-in","mood":0,"sleep_hours":6.5,"hungry":false,"signs":[],"new":{"b":1,"a":[2.5]}"#,
            r#""kind":"urge","intensity":80,"outcome":"surfed","triggers":["payday"],"note":"über 🌊""#,
            r#""kind":"use","ended":"2026-03-30","extent":"days","extent_days":2,"stage_signs":["mental"],"guilt":null"#,
            r#""kind":"contact","role":"sponsor","outcome":"left-message","author":"counsellor:M. Vogt""#,
            r#""kind":"meeting","meeting":"online","attendance":"missed","edited":true"#,
            r#""kind":"dream","colour":"blue","depth":3"#,
        ] {
            let mut fields = fields(&format!("{{{HEAD},{body}}}"));
            let entry = Entry::from_fields(id(), &fields).unwrap();
            if let Some(ended) = fields.get_mut("ended") {
                *ended = "2026-03-30 +00:00".into(); // the one field with a canonical form of its own
            }
            assert_eq!(entry.to_fields(), fields);
            assert_eq!(Entry::from_fields(id(), &entry.to_fields()).unwrap(), entry);
        }
    }

    #[test]
    fn a_wrong_form_names_the_field_and_not_what_the_person_wrote() {
        let fields = fields(&format!(
            r#"{{{HEAD},"kind":"check-in","mood":"my secret, expected u8","note":"x"}}"#
        ));
        let error = Entry::from_fields(id(), &fields).unwrap_err();
        assert!(error.to_string().contains("`mood`"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn an_entry_has_no_field_for_a_clinical_class() {
        for kind in ["check-in", "urge", "use", "contact", "meeting", "note"] {
            let names = EntryBody::field_names(kind).unwrap();
            assert!(names.iter().all(|name| !name.contains("class")), "{kind}");
        }
    }
}
