//! What a person's devices keep about their shares: beside the plan, in the same document, because a
//! new phone needs both before anything else (decision 12).
//!
//! One flat map: the share's id, a stroke, a field's name. Nothing is nested, so that two devices that
//! write about one share at the same time never lose a field of the other. Keys of shares are among
//! the values; nothing here is shown, printed or exported.

use std::collections::BTreeMap;

use automerge::transaction::Transactable;
use automerge::{ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as Stored};
use mainstay_protocol::ids::SpaceId;
use zeroize::Zeroizing;

use super::{DocError, PlanDoc};

/// The map's name, made by the plan's genesis change.
pub(super) const CARE: &str = "care";

/// One value kept about a share.
#[derive(Clone, PartialEq, Eq)]
pub enum CareValue {
    /// A key, or an encoded object.
    Bytes(Zeroizing<Vec<u8>>),
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
}

impl std::fmt::Debug for CareValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CareValue([redacted])")
    }
}

/// What is kept about one share: by field every concurrent value, the one that stands last.
pub type CareValues = BTreeMap<String, Vec<CareValue>>;

impl PlanDoc {
    /// What is kept about each share.
    #[must_use]
    pub fn care(&self) -> BTreeMap<SpaceId, CareValues> {
        let mut shares: BTreeMap<SpaceId, CareValues> = BTreeMap::new();
        let doc = self.replica.doc();
        let Some(map) = self.care_id() else { return shares };
        for key in doc.keys(&map) {
            let Some((share, field)) = split(&key) else { continue };
            let values = doc.get_all(&map, &key).unwrap_or_default();
            let values: Vec<CareValue> = values.iter().filter_map(|(v, _)| read(v)).collect();
            if !values.is_empty() {
                shares.entry(share).or_default().insert(field.to_owned(), values);
            }
        }
        shares
    }

    /// What is kept about one share. It reads that share's keys only: with two hundred clients, a look
    /// at each would read everything two hundred times over.
    #[must_use]
    pub fn care_of(&self, share: &SpaceId) -> CareValues {
        let mut values = CareValues::new();
        let doc = self.replica.doc();
        let Some(map) = self.care_id() else { return values };
        // The sign after the slash.
        let (from, to) = (format!("{}/", share.to_hex()), format!("{}0", share.to_hex()));
        for item in doc.map_range(&map, from..to) {
            let Some((_, field)) = split(&item.key) else { continue };
            let all = doc.get_all(&map, &*item.key).unwrap_or_default();
            let all: Vec<CareValue> = all.iter().filter_map(|(v, _)| read(v)).collect();
            if !all.is_empty() {
                values.insert(field.to_owned(), all);
            }
        }
        values
    }

    /// Changes what is kept about a share, as one change; `None` takes a field away.
    ///
    /// # Errors
    /// [`DocError::TooLarge`] if the document would outgrow its limit; it is then unchanged.
    pub fn put_care(
        &mut self,
        share: &SpaceId,
        fields: &[(String, Option<CareValue>)],
        actor: [u8; 16],
        time_ms: i64,
    ) -> Result<(), DocError> {
        let map = self.care_id().ok_or(DocError::Malformed("not a plan"))?;
        let share = share.to_hex();
        self.replica.transact(actor, time_ms, None, |tx| {
            for (field, value) in fields {
                let key = format!("{share}/{field}");
                match value {
                    Some(value) => tx.put(&map, key.as_str(), scalar(value))?,
                    None if tx.get(&map, &key)?.is_some() => tx.delete(&map, key.as_str())?,
                    None => {}
                }
            }
            Ok(())
        })
    }

    fn care_id(&self) -> Option<ObjId> {
        match self.replica.doc().get(&ROOT, CARE) {
            Ok(Some((Stored::Object(ObjType::Map), id))) => Some(id),
            _ => None,
        }
    }
}

fn split(key: &str) -> Option<(SpaceId, &str)> {
    let (share, field) = key.split_once('/')?;
    if share.len() != 2 * SpaceId::LEN || !share.is_ascii() {
        return None;
    }
    let digits =
        (0..SpaceId::LEN).map(|at| u8::from_str_radix(&share[2 * at..2 * at + 2], 16).ok());
    let bytes: Vec<u8> = digits.collect::<Option<_>>()?;
    Some((SpaceId::from_slice(&bytes)?, field))
}

fn scalar(value: &CareValue) -> ScalarValue {
    match value {
        CareValue::Bytes(bytes) => ScalarValue::Bytes(bytes.to_vec()),
        CareValue::Text(text) => ScalarValue::Str(text.as_str().into()),
        CareValue::Int(number) => ScalarValue::Int(*number),
    }
}

fn read(value: &Stored<'_>) -> Option<CareValue> {
    match value {
        Stored::Scalar(scalar) => match scalar.as_ref() {
            ScalarValue::Bytes(bytes) => Some(CareValue::Bytes(Zeroizing::new(bytes.clone()))),
            ScalarValue::Str(text) => Some(CareValue::Text(text.to_string())),
            ScalarValue::Int(number) => Some(CareValue::Int(*number)),
            _ => None,
        },
        Stored::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(text: &str) -> Option<CareValue> {
        Some(CareValue::Text(text.to_owned()))
    }

    #[test]
    fn two_devices_that_write_about_one_share_keep_every_field() {
        let share = SpaceId([7; 32]);
        let mut one = PlanDoc::create().unwrap();
        let mut two = PlanDoc::create().unwrap();
        one.put_care(&share, &[("a".into(), text("1")), ("c".into(), text("x"))], [1; 16], 0)
            .unwrap();
        two.put_care(&share, &[("b".into(), text("2")), ("c".into(), text("y"))], [2; 16], 0)
            .unwrap();
        one.merge(&two).unwrap();
        two.merge(&one).unwrap();
        assert_eq!(one.care(), two.care());
        assert_eq!(one.care_of(&share), one.care()[&share]);
        let kept = &one.care()[&share];
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(kept["c"].len(), 2, "both values of a clash are kept");
        one.put_care(&share, &[("c".into(), None)], [3; 16], 0).unwrap();
        assert!(!one.care()[&share].contains_key("c"));
    }

    #[test]
    fn the_plan_shows_nothing_of_it() {
        let share = SpaceId([7; 32]);
        let mut plan = PlanDoc::create().unwrap();
        plan.put_care(&share, &[("name".into(), text("canary"))], [1; 16], 0).unwrap();
        assert!(!format!("{:?} {:?}", plan.plan(), plan.care()).contains("canary"));
        assert!(plan.plan().is_empty());
    }
}
