//! Values in CBOR: native forms, arrays and objects as bytes of JSON, and "nothing, said explicitly"
//! as an empty array, so that it differs from a field taken away (null) in a [`super::Patch`].

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::{Month, Value};

impl<C> Encode<C> for Value {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Null => e.array(0)?,
            Self::Bool(value) => e.bool(*value)?,
            Self::Int(value) => e.i64(*value)?,
            Self::Float(value) => e.f64(*value)?,
            Self::Str(text) => e.str(text)?,
            Self::Json(json) => e.bytes(json.to_string().as_bytes())?,
        }
        .ok()
    }
}

impl<'b, C> Decode<'b, C> for Value {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        Ok(match d.datatype()? {
            Type::Array => match d.array()? {
                Some(0) => Self::Null,
                _ => return Err(Error::message("a value is no array")),
            },
            Type::Bool => Self::Bool(d.bool()?),
            Type::F32 | Type::F64 => match d.f64()? {
                float if float.is_finite() => Self::Float(float),
                _ => return Err(Error::message("a number is finite")),
            },
            Type::String => Self::Str(d.str()?.to_owned()),
            Type::Bytes => Self::Json(
                serde_json::from_slice(d.bytes()?)
                    .map_err(|_| Error::message("a value is no JSON"))?,
            ),
            _ => Self::Int(d.i64()?),
        })
    }
}

impl<C> Encode<C> for Month {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u16(self.index())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Month {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        d.u16().map(Self::from_index)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Patch;
    use super::*;

    #[test]
    fn a_patch_survives_cbor_and_tells_nothing_from_taken_away() {
        let patch: Patch = [
            ("a", None),
            ("b", Some(Value::Null)),
            ("c", Some(Value::Int(i64::MIN))),
            ("d", Some(Value::Float(-0.1))),
            ("e", Some(Value::Json(serde_json::json!({"x": [1, null]})))),
            ("f", Some("über".into())),
            ("g", Some(Value::Bool(false))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let bytes = minicbor::to_vec(&patch).unwrap();
        assert_eq!(minicbor::decode::<Patch>(&bytes).unwrap(), patch);
    }
}
