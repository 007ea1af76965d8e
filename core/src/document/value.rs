//! One field of an Automerge map: how values are written, read and offered.

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ObjType, ReadDoc, ScalarValue, Value as Stored};

use crate::journal::Value;

/// Texts longer than this many bytes are Automerge text when a field is first written; shorter ones
/// are plain values. A field keeps the type of its first value. Automerge text costs two to three times
/// the load and up to twice the catching up of a plain string.
pub(super) const TEXT_OVER_BYTES: usize = 512;

/// Whether a value becomes Automerge text where it is a field's first.
pub(super) fn is_text(value: &Value) -> bool {
    matches!(value, Value::Str(text) if text.len() > TEXT_OVER_BYTES)
}

/// Writes one field, or takes it away. Writing replaces every concurrent value: a conflict is
/// settled by it, even if the value is the one already shown.
pub(super) fn put(
    tx: &mut Transaction<'_>,
    object: &ObjId,
    name: &str,
    value: Option<&Value>,
) -> Result<(), AutomergeError> {
    let Some(value) = value else { return tx.delete(object, name) };
    let Value::Str(text) = value else { return tx.put(object, name, scalar(value)) };
    let now = tx.get_all(object, name)?;
    let conflicted = now.len() > 1;
    match now.into_iter().next_back() {
        Some((Stored::Object(ObjType::Text), id)) if !conflicted => replace_text(tx, &id, text),
        Some((Stored::Object(ObjType::Text), _)) => put_text(tx, object, name, text),
        None if is_text(value) => put_text(tx, object, name, text),
        _ => tx.put(object, name, text.as_str()),
    }
}

fn put_text(
    tx: &mut Transaction<'_>,
    object: &ObjId,
    name: &str,
    text: &str,
) -> Result<(), AutomergeError> {
    let id = tx.put_object(object, name, ObjType::Text)?;
    tx.splice_text(&id, 0, 0, text)
}

/// Replaces what lies between the common beginning and the common end: linear in the length, where
/// a minimal difference of two long texts could take minutes.
fn replace_text(tx: &mut Transaction<'_>, id: &ObjId, text: &str) -> Result<(), AutomergeError> {
    let old: Vec<char> = tx.text(id)?.chars().collect();
    let new: Vec<char> = text.chars().collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let removed = isize::try_from(old.len() - end).unwrap_or(isize::MAX);
    let inserted: String = new[..new.len() - end].iter().collect();
    if removed == 0 && inserted.is_empty() {
        return Ok(());
    }
    tx.splice_text(id, start, removed, &inserted)
}

/// The plain form of a value. Arrays and objects are bytes of canonical JSON, so that they are told
/// from texts.
fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::Boolean(*value),
        Value::Int(value) => ScalarValue::Int(*value),
        Value::Float(value) => ScalarValue::F64(*value),
        Value::Str(text) => ScalarValue::Str(text.as_str().into()),
        Value::Json(json) => ScalarValue::Bytes(json.to_string().into_bytes()),
    }
}

/// Every concurrent value of a field, the one shown last. Values of forms that only a newer version
/// knows are left out; the document keeps them.
pub(super) fn all(doc: &impl ReadDoc, object: &ObjId, name: &str) -> Vec<Value> {
    let stored = doc.get_all(object, name).unwrap_or_default();
    stored.iter().filter_map(|(value, id)| read(doc, value, id)).collect()
}

/// One stored value, if this version knows its form.
pub(super) fn read(doc: &impl ReadDoc, value: &Stored<'_>, id: &ObjId) -> Option<Value> {
    match value {
        Stored::Object(ObjType::Text) => doc.text(id).ok().map(Value::Str),
        Stored::Object(_) => None,
        Stored::Scalar(scalar) => match scalar.as_ref() {
            ScalarValue::Null => Some(Value::Null),
            ScalarValue::Boolean(value) => Some(Value::Bool(*value)),
            ScalarValue::Int(value) | ScalarValue::Timestamp(value) => Some(Value::Int(*value)),
            ScalarValue::Uint(value) => i64::try_from(*value).ok().map(Value::Int),
            ScalarValue::F64(value) => value.is_finite().then_some(Value::Float(*value)),
            ScalarValue::Str(text) => Some(Value::Str(text.to_string())),
            ScalarValue::Bytes(bytes) => serde_json::from_slice(bytes).ok().map(Value::Json),
            _ => None,
        },
    }
}
