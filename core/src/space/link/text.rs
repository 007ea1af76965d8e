//! Bytes as text that survives being read aloud, retyped and shown as a code to scan: base 32
//! (RFC 4648 §6) in lower case without padding.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The text of some bytes.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 8 / 5 + 1));
    for group in bytes.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(word);
        for digit in 0..(group.len() * 8).div_ceil(5) {
            let index = (bits >> (35 - 5 * digit)) & 31;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// The bytes of a text in either case; `None` for other characters or leftover bits.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut bits, mut count) = (0u32, 0u32);
    for digit in text.bytes() {
        let digit = digit.to_ascii_lowercase();
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        bits = (bits << 5) | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < 5 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_come_out() {
        let examples =
            [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq")];
        for (bytes, text) in
            examples.into_iter().chain([("fooba", "mzxw6ytb"), ("foobar", "mzxw6ytboi")])
        {
            assert_eq!(*encode(bytes.as_bytes()), text);
            assert_eq!(*decode(&text.to_uppercase()).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn what_no_bytes_encode_to_is_refused() {
        for text in ["m", "mz0q", "mz-q", "mzxr", "aaa", "ü"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
