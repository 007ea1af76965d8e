//! Open sets of stable codes.
//!
//! A code is what is stored and exchanged; it never changes. A word is what is shown; it may.
//! A code this version does not know (from a newer version, or the person's own word) is kept as
//! `Other` and survives a round trip.

/// An open set of stable codes with a display word for each.
pub trait Codes: From<String> {
    /// The known codes, each with its display word in plain English.
    const CODES: &'static [(&'static str, &'static str)];

    /// The stable code, or the unknown text as it came.
    fn code(&self) -> &str;

    /// What to show: the display word, or the unknown text as it came.
    fn word(&self) -> &str {
        let code = self.code();
        Self::CODES.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
    }
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A code this version does not know, or the person's own word.
            Other(String),
        }

        impl $crate::journal::Codes for $name {
            const CODES: &'static [(&'static str, &'static str)] = &[$(($code, $word)),*];

            fn code(&self) -> &str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($code => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::from(text.to_owned())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::journal::Codes::code(self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}
pub(crate) use codes;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::journal::{Codes, UrgeOutcome};

    #[test]
    fn an_unknown_code_survives_a_round_trip() {
        let outcome: UrgeOutcome = serde_json::from_str("\"walked-it-off\"").unwrap();
        assert_eq!(outcome, UrgeOutcome::Other("walked-it-off".into()));
        assert_eq!(serde_json::to_string(&outcome).unwrap(), "\"walked-it-off\"");
        assert_eq!(outcome.word(), "walked-it-off");
        assert_eq!(UrgeOutcome::from("passed-with-help").word(), "passed with help");
    }
}
