//! Newtypes for everything that is named on the wire.
//!
//! None of these is a secret, and none of them tells who a person is; still they link requests to
//! each other, so `Debug` shows only four bytes, and logs are expected to show none.

use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};

/// Declares a newtype over a fixed number of bytes that travels as one CBOR byte string.
macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// How many bytes one of these has.
            pub const LEN: usize = $len;

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Reads one from exactly [`Self::LEN`] bytes; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// All bytes as lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                self.0.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, "…)")
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), EncodeError<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| DecodeError::message(concat!(stringify!($name), ": wrong length")))
            }
        }
    };
}
pub(crate) use bytes_id;

bytes_id!(
    /// A space: the SHA-256 of the key that founded it, so that nobody can found another space
    /// under the same name.
    SpaceId, 32
);
bytes_id!(
    /// An author in a space: the first 16 bytes of the SHA-256 of the author's verifying key.
    AuthorId, 16
);
bytes_id!(
    /// A member of a share, one human: the first 16 bytes of the SHA-256 of the key that they sign
    /// with there.
    MemberId, 16
);
bytes_id!(
    /// One generation of a space's key: a hash of that key, so that one id means one key.
    EpochId, 32
);
bytes_id!(
    /// The opaque name that a chapter, its page or the plan has on the relay.
    SlotId, 16
);
bytes_id!(
    /// One life of a relay's store: random, and new whenever the store is new or was restored.
    Incarnation, 16
);
bytes_id!(
    /// One life of a device's store: random, and new whenever the store is opened empty.
    StoreInstance, 16
);
bytes_id!(
    /// A place where two devices that do not share a space yet leave each other short messages.
    MailboxId, 32
);
