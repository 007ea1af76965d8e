//! Looking for bytes where they must not be.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;

/// What one compressed stretch may unpack to before the search gives it up.
const MAX_UNPACKED_BYTES: u64 = 16 << 20;
/// How every zstd frame begins.
const ZSTD: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// The length of a key: what two spaces must not share.
const KEY_BYTES: usize = 32;
/// As many equal bytes in a row are zeros, padding or a small number, and in no key but by a chance of
/// one in half a million.
const NO_KEY_RUN: usize = 4;

/// Things to look for, all in one pass; at least 8 bytes each.
#[derive(Default)]
pub struct Search {
    wanted: Vec<(String, Vec<u8>)>,
    by_start: HashMap<[u8; 8], Vec<usize>>,
}

impl Search {
    /// Looks for these bytes from now on, as they are and written in hex.
    ///
    /// # Panics
    /// If there are fewer than eight of them.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (name, bytes) in [(name.to_owned(), bytes), (format!("{name}, in hex"), hex.as_bytes())]
        {
            let start = *bytes.first_chunk().expect("enough bytes to be found by chance nowhere");
            self.by_start.entry(start).or_default().push(self.wanted.len());
            self.wanted.push((name, bytes.to_vec()));
        }
    }

    /// The names of everything that is looked for, in its plain form.
    pub fn names(&self) -> BTreeSet<String> {
        self.wanted.iter().step_by(2).map(|(name, _)| name.clone()).collect()
    }

    /// What goes by a name.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self.wanted.iter().find(|(known, _)| known == name);
        found.map(|(_, bytes)| &bytes[..])
    }

    /// What is found in these bytes, and in whatever in them is only compressed.
    pub fn found_in(&self, all: &[u8]) -> BTreeSet<String> {
        let mut found = self.found_plainly(all);
        for at in 0..all.len().saturating_sub(ZSTD.len()) {
            if all[at..].starts_with(&ZSTD)
                && let Some(unpacked) = unpacked(&all[at..])
            {
                found.extend(self.found_plainly(&unpacked));
            }
        }
        found
    }

    fn found_plainly(&self, all: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, start) in all.windows(8).enumerate() {
            let start: &[u8; 8] = start.try_into().expect("windows of eight");
            for index in self.by_start.get(start).into_iter().flatten() {
                let (name, bytes) = &self.wanted[*index];
                if all[at..].starts_with(bytes) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }
}

/// As much as comes out of a stretch that looks like a zstd frame.
fn unpacked(from: &[u8]) -> Option<Vec<u8>> {
    let decoder = zstd::stream::read::Decoder::new(from).ok()?.single_frame();
    let mut plain = Vec::new();
    // What came out before an error counts: a frame may be cut into pieces.
    let _ = decoder.take(MAX_UNPACKED_BYTES).read_to_end(&mut plain);
    Some(plain)
}

/// Everything of a key's length that is in both, whatever it is.
pub fn shared(one: &[u8], other: &[u8]) -> HashSet<Vec<u8>> {
    let runs = |bytes: &[u8]| bytes.iter().all(|byte| *byte == bytes[0]);
    let varied = |window: &&[u8]| !window.windows(NO_KEY_RUN).any(runs);
    let of_one: HashSet<&[u8]> = one.windows(KEY_BYTES).collect();
    let both = other.windows(KEY_BYTES).filter(|window| of_one.contains(window));
    both.filter(varied).map(<[u8]>::to_vec).collect()
}

/// Puts zeros where one of these lies.
pub fn blank(all: &mut [u8], keys: &HashSet<Vec<u8>>) {
    for at in 0..(all.len() + 1).saturating_sub(KEY_BYTES) {
        if keys.contains(&all[at..at + KEY_BYTES]) {
            all[at..at + KEY_BYTES].fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_what_is_there_plain_in_hex_and_compressed() {
        let mut search = Search::default();
        search.add("canary", b"a canary that sings");
        let plain = b"...a canary that sings...".to_vec();
        let hex = b"..6120636e".iter().chain(b"612063616e61727920746861742073696e6773").copied();
        let squeezed = zstd::bulk::compress(&plain.repeat(9), 9).expect("memory");
        assert_eq!(search.found_in(&plain).len(), 1);
        assert_eq!(search.found_in(&hex.collect::<Vec<_>>()).len(), 1);
        assert_eq!(search.found_in(&[b"....", &squeezed[..]].concat()).len(), 1);
        assert!(search.found_in(b"...a canary that sinks...").is_empty());
    }

    #[test]
    fn what_two_share_is_found_at_any_place_and_zeros_are_no_key() {
        let key: Vec<u8> = (0..32).collect();
        let one = [&[9; 5][..], &key, &[0; 99]].concat();
        let other = [&[7; 50][..], &key, &[0; 99]].concat();
        let found = shared(&one, &other);
        assert!(found.contains(&key) && !found.contains(&vec![0; 32]));
        let mut blanked = other.clone();
        blank(&mut blanked, &found);
        assert!(shared(&one, &blanked).is_empty());
    }
}
