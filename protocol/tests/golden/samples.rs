//! Values with their bytes, and the file that they are compared with.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use mainstay_protocol::codec;
use minicbor::{Decode, Encode};

/// The samples of one file.
pub(crate) struct Samples {
    file: &'static str,
    lines: BTreeMap<String, Vec<u8>>,
}

impl Samples {
    pub(crate) fn new(file: &'static str) -> Self {
        Self { file, lines: BTreeMap::new() }
    }

    /// Adds a value, which must come back from its bytes, and also from bytes in which a newer minor
    /// version has added a field that this one does not know.
    pub(crate) fn add<T>(&mut self, name: &str, value: &T)
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
    {
        self.add_without_last(name, value, 0);
    }

    /// Like [`Self::add`] for a value whose last fields are absent, and so not written at all.
    pub(crate) fn add_without_last<T>(&mut self, name: &str, value: &T, absent: u8)
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
    {
        let bytes = codec::encode(value);
        assert_eq!(codec::decode::<T>(&bytes).unwrap(), *value, "{name}");
        let newer = with_new_field(&bytes, absent);
        assert_eq!(codec::decode::<T>(&newer).unwrap(), *value, "{name}, newer");
        self.add_bytes(name, bytes);
    }

    /// Adds a value with a fixed form, which no version extends.
    pub(crate) fn add_fixed<T>(&mut self, name: &str, value: &T)
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
    {
        let bytes = codec::encode(value);
        assert_eq!(codec::decode::<T>(&bytes).unwrap(), *value, "{name}");
        self.add_bytes(name, bytes);
    }

    pub(crate) fn add_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        assert!(self.lines.insert(name.to_owned(), bytes).is_none(), "{name} comes twice");
    }

    /// Compares with the file, or writes it.
    pub(crate) fn check(self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(self.file);
        let text: String =
            self.lines.iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
        if std::env::var_os("MAINSTAY_REGENERATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        for (line, expected) in text.lines().zip(golden.lines()) {
            assert_eq!(line, expected, "the format has changed");
        }
        assert_eq!(text.lines().count(), golden.lines().count(), "values were added or removed");
    }
}

/// The same value with one more field at the end: structures are arrays of their fields, and
/// variants are arrays of their number and their fields. Fields that are absent are null before it.
pub(crate) fn with_new_field(bytes: &[u8], absent: u8) -> Vec<u8> {
    let variant = bytes[0] == 0x82 && bytes[1] < 0x18 && bytes[2] & 0xe0 == 0x80;
    let at = if variant { 2 } else { 0 };
    assert!((0x80..0x97).contains(&bytes[at]), "a short array");
    let mut newer = bytes.to_vec();
    newer[at] += absent + 1;
    newer.extend(std::iter::repeat_n(0xf6, absent.into()));
    // A map with a list and a text in it.
    newer.extend_from_slice(&[0xa2, 0x01, 0x82, 0x02, 0x03, 0x04, 0x61, 0x78]);
    newer
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
