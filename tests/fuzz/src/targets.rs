//! Every reader of somebody else's bytes, as a function that takes any.

mod care;
mod chapters;
mod documents;
mod entries;
mod keys;
mod links;
mod relay;
mod rosters;
mod stored;
mod texts;
mod wire;

use crate::mutate::Form;

/// A reader and what is expected of it.
#[derive(Clone)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it reads.
    pub form: Form,
    /// Inputs are cut to this length: a little more than what the reader accepts.
    pub max_bytes: usize,
    /// What one input may take in memory.
    pub bound: Bound,
    /// Real inputs.
    pub examples: fn() -> Vec<Vec<u8>>,
    /// Reads, and tells whether there was something to be read. It panics if what it read and wrote
    /// again reads as something else.
    pub run: fn(&[u8]) -> bool,
}

/// Memory that one input may take: so much, and so much for each of its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// For any input.
    pub base_bytes: usize,
    /// For each byte.
    pub times: usize,
}

impl Bound {
    /// For an input of this length.
    pub const fn bytes(&self, length: usize) -> usize {
        self.base_bytes + self.times * length
    }
}

/// What plain CBOR may take for each byte, twice over as it is read, written and read again: a list of
/// empty byte strings takes 24 bytes for each of one byte, and up to twice that while it grows.
pub(crate) const WIRE: Bound = Bound { base_bytes: 64 << 10, times: 200 };
/// What a short text may take.
pub(crate) const TEXT: Bound = Bound { base_bytes: 64 << 10, times: 16 };

/// All of them.
pub const ALL: &[&[Target]] = &[
    wire::TARGETS,
    rosters::TARGETS,
    texts::TARGETS,
    links::TARGETS,
    keys::TARGETS,
    entries::TARGETS,
    chapters::TARGETS,
    care::TARGETS,
    documents::TARGETS,
    stored::TARGETS,
    relay::TARGETS,
];

/// All of them, one after the other.
pub fn all() -> impl Iterator<Item = &'static Target> {
    ALL.iter().copied().flatten()
}

/// The one of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    all().find(|target| target.name == name)
}

/// The text of an input, as a program that was given bytes would show it.
pub(crate) fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

/// Texts as examples.
pub(crate) fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}
