//! The flat form of an entry: what documents, pages and rows hold.

use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};

/// One field's value. Arrays and objects are one value: nobody merges them item by item.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing, said explicitly.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other finite number.
    Float(f64),
    /// Text.
    Str(String),
    /// An array or object (keys in canonical order), or a number too large for [`Value::Int`].
    Json(Json),
}

/// What a person wrote never meets a log: only what sort of value it is.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool(..)",
            Self::Int(_) => "Int(..)",
            Self::Float(_) => "Float(..)",
            Self::Str(_) => "Str(..)",
            Self::Json(_) => "Json(..)",
        })
    }
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::String(text) => Self::Str(text),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(float)) if number.is_f64() => Self::Float(float),
                _ => Self::Json(Json::Number(number)),
            },
            other => Self::Json(other),
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Number(value.into()),
            // Only finite numbers get in; anything else would have no form in JSON.
            Value::Float(value) => Number::from_f64(value).map_or(Self::Null, Self::Number),
            Value::Str(text) => Self::String(text),
            Value::Json(json) => json,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

/// An entry's fields by name, in canonical order.
pub type Fields = BTreeMap<String, Value>;

/// What an edit changes: a new value, or `None` to take the field away.
///
/// Setting a field to the value it already shows is meaningful: it settles a conflict.
pub type Patch = BTreeMap<String, Option<Value>>;

/// The patch that turns `old` into `new`: changed fields only.
#[must_use]
pub fn diff(old: &Fields, new: &Fields) -> Patch {
    let removed =
        old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = new
        .iter()
        .filter(|(name, value)| old.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), Some(value.clone())));
    removed.chain(changed).collect()
}

/// Applies a patch.
pub fn apply(fields: &mut Fields, patch: &Patch) {
    for (name, value) in patch {
        match value {
            Some(value) => fields.insert(name.clone(), value.clone()),
            None => fields.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fields(pairs: &[(&str, Value)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn a_diff_holds_only_what_changed_and_applies() {
        let old = fields(&[("a", Value::Int(1)), ("b", "x".into()), ("c", Value::Null)]);
        let new = fields(&[("a", Value::Int(1)), ("b", "y".into()), ("d", Value::Bool(true))]);
        let patch = diff(&old, &new);
        assert_eq!(patch.keys().collect::<Vec<_>>(), ["b", "c", "d"]);
        let mut patched = old;
        apply(&mut patched, &patch);
        assert_eq!(patched, new);
    }

    #[test]
    fn a_value_survives_json_and_back() {
        for json in
            ["null", "true", "-7", "7.0", "0.1", "18446744073709551615", "\"x\"", "[1,{\"a\":2}]"]
        {
            let parsed: Json = serde_json::from_str(json).unwrap();
            assert_eq!(Json::from(Value::from(parsed)).to_string(), json);
        }
        assert_eq!(Value::from(Json::from(7)), Value::Int(7));
    }
}
