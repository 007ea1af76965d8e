//! The small file that names a store's backend and format version.
//!
//! ```text
//! mainstay-store
//! backend: sled
//! version: 1
//! state: ready
//! check: 8a3c51f09b2d7e64
//! ```
//!
//! `check` is the FNV-1a hash of the lines above it: enough to notice a flipped bit or a lost
//! tail in a hundred bytes. Lines that this version does not know are skipped, so that a newer
//! store is recognised as newer and not as damaged.

use crate::Backend;

const TITLE: &str = "mainstay-store";

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// `None`: a backend that this version does not know.
    pub(crate) backend: Option<Backend>,
    pub(crate) version: u32,
    /// Whether the backend's files were once complete. Before that nothing was acknowledged.
    pub(crate) ready: bool,
}

impl Format {
    pub(crate) fn encode(&self) -> String {
        let backend = self.backend.map_or("", Backend::name);
        let state = if self.ready { "ready" } else { "new" };
        let body =
            format!("{TITLE}\nbackend: {backend}\nversion: {}\nstate: {state}\n", self.version);
        format!("{body}check: {:016x}\n", fnv1a(body.as_bytes()))
    }

    /// `None` if these are not the bytes that some version wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let at = text.rfind("check: ")?;
        let (body, check) = text.split_at(at);
        if check != format!("check: {:016x}\n", fnv1a(body.as_bytes())) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return None;
        }
        let (mut backend, mut version, mut ready) = (None, None, false);
        for line in lines {
            match line.split_once(": ") {
                Some(("backend", name)) => backend = name.parse().ok(),
                Some(("version", number)) => version = number.parse().ok(),
                Some(("state", state)) => ready = state == "ready",
                _ => {}
            }
        }
        Some(Self { backend, version: version?, ready })
    }
}

/// FNV-1a, 64 bits: offset basis and prime from its reference (draft-eastlake-fnv).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn example() -> Format {
        Format { backend: Some(Backend::Redb), version: 3, ready: true }
    }

    #[test]
    fn a_format_is_read_back() {
        assert_eq!(Format::decode(example().encode().as_bytes()), Some(example()));
    }

    #[test]
    fn every_flipped_bit_and_every_lost_tail_is_noticed() {
        let good = example().encode().into_bytes();
        for at in 0..good.len() {
            assert_eq!(Format::decode(&good[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(Format::decode(&bad), None, "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn lines_and_backends_of_a_later_version_are_not_damage() {
        let body = "mainstay-store\nbackend: other\nversion: 9\ncolour: blue\nstate: ready\n";
        let text = format!("{body}check: {:016x}\n", fnv1a(body.as_bytes()));
        let expected = Format { backend: None, version: 9, ready: true };
        assert_eq!(Format::decode(text.as_bytes()), Some(expected));
    }
}
