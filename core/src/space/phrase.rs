//! The recovery phrase: twelve English words (BIP-39, 128 bits).

use std::fmt;

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use super::CryptoRng;

/// How many words a phrase has.
pub const WORDS: usize = 12;

/// The bytes of entropy in a phrase.
pub const ENTROPY_BYTES: usize = 16;

/// The longest text that is looked at: twelve words and generous space around them.
pub const MAX_TEXT_BYTES: usize = 4096;

/// How many similar words an error offers.
const MAX_SUGGESTIONS: usize = 3;

/// Twelve words that give everything back. Shown once, never stored, never sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Phrase(Mnemonic);

/// What is wrong with a phrase that was typed in. The errors name positions; printed, they hold no word,
/// neither one that was typed nor one that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// Not twelve words.
    #[error("the phrase has {found} words instead of {WORDS}; write all {WORDS} words, in order")]
    WordCount {
        /// How many there are.
        found: usize,
    },
    /// A word that is not in the list.
    #[error(
        "word {position} of the phrase is not one of the list; look at what you wrote down again"
    )]
    UnknownWord {
        /// Counted from 1.
        position: usize,
        /// What may have been meant.
        suggestions: Suggestions,
    },
    /// Twelve words of the list that are no phrase.
    #[error(
        "all {WORDS} words are in the list, but together they are no phrase: one of them is another word of the list, or two changed places; compare each with what you wrote down"
    )]
    Checksum,
    /// More text than any phrase has.
    #[error("the text is too long for a phrase of {WORDS} words")]
    TooLong,
}

/// Words of the list that are like one that was typed. One of them is likely a word of the phrase: they are
/// for the person to see, and do not print with `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Suggestions(Vec<&'static str>);

impl Suggestions {
    /// At most three words, the nearest first; none when no word is near.
    pub fn words(&self) -> &[&'static str] {
        &self.0
    }
}

impl fmt::Debug for Suggestions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Suggestions([redacted])")
    }
}

impl Phrase {
    /// A new phrase.
    pub fn make(rng: &mut dyn CryptoRng) -> Self {
        let mut entropy = Zeroizing::new([0; ENTROPY_BYTES]);
        rng.fill_bytes(&mut *entropy);
        Self::from_entropy(&entropy)
    }

    /// The phrase of 128 bits.
    pub fn from_entropy(entropy: &[u8; ENTROPY_BYTES]) -> Self {
        let phrase = Mnemonic::from_entropy_in(Language::English, entropy);
        Self(phrase.expect("BIP-39 has a phrase for every 128 bits"))
    }

    /// Reads a phrase as a person types it: upper or lower case, any spaces and line breaks.
    ///
    /// # Errors
    /// [`PhraseError`] with the position of the first wrong word.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(PhraseError::TooLong);
        }
        let text = Zeroizing::new(text.to_lowercase());
        let found = text.split_whitespace().count();
        if found != WORDS {
            return Err(PhraseError::WordCount { found });
        }
        let unknown = |word: &str| Language::English.find_word(word).is_none();
        if let Some((index, word)) = text.split_whitespace().enumerate().find(|(_, w)| unknown(w)) {
            let (position, suggestions) = (index + 1, Suggestions(nearest(word)));
            return Err(PhraseError::UnknownWord { position, suggestions });
        }
        Mnemonic::parse_in_normalized(Language::English, &text)
            .map(Self)
            .map_err(|_| PhraseError::Checksum)
    }

    /// The words, in order.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// The 128 bits that the words stand for.
    pub(super) fn entropy(&self) -> Zeroizing<[u8; ENTROPY_BYTES]> {
        let mut entropy = Zeroizing::new([0; ENTROPY_BYTES]);
        let (bytes, _) = self.0.to_entropy_array();
        let bytes = Zeroizing::new(bytes);
        entropy.copy_from_slice(&bytes[..ENTROPY_BYTES]);
        entropy
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase([redacted])")
    }
}

/// The words of the list within two edits, nearest first.
fn nearest(word: &str) -> Vec<&'static str> {
    let mut near: Vec<_> = Language::English
        .word_list()
        .iter()
        .map(|known| (edits(word, known), *known))
        .filter(|(edits, _)| *edits <= 2)
        .collect();
    near.sort();
    let best = near.first().map_or(0, |(edits, _)| *edits);
    near.iter().filter(|(e, _)| *e == best).take(MAX_SUGGESTIONS).map(|(_, w)| *w).collect()
}

/// Insertions, deletions and replacements that lead from one word to the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn a_phrase_is_read_back_whatever_its_case_and_spacing() {
        let phrase = Phrase::make(&mut ChaCha20Rng::from_seed([1; 32]));
        let words: Vec<_> = phrase.words().collect();
        assert_eq!(words.len(), WORDS);
        assert_eq!(Phrase::parse(&words.join(" ")).unwrap(), phrase);
        let messy = format!("  {}\r\n", words.join("\n\t ").to_uppercase());
        assert_eq!(Phrase::parse(&messy).unwrap(), phrase);
    }

    #[test]
    fn a_wrong_word_is_pointed_at_with_the_word_that_was_meant() {
        let text = ABANDON.replacen("abandon abandon", "abandon abandn", 1);
        let error = Phrase::parse(&text).unwrap_err();
        let PhraseError::UnknownWord { position: 2, suggestions } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(suggestions.words(), ["abandon"]);
        assert!(error.to_string().contains("word 2"));
        // Neither what was typed nor what was likely meant.
        assert!(!format!("{error} {error:?}").contains("aband"));
    }

    #[test]
    fn a_word_like_no_other_gets_no_suggestion() {
        let error = Phrase::parse(&ABANDON.replace("about", "Überraschung")).unwrap_err();
        let suggestions = Suggestions::default();
        assert_eq!(error, PhraseError::UnknownWord { position: 12, suggestions });
    }

    #[test]
    fn a_missing_word_is_counted() {
        let error = Phrase::parse("abandon about").unwrap_err();
        assert_eq!(error, PhraseError::WordCount { found: 2 });
        assert_eq!(Phrase::parse("").unwrap_err(), PhraseError::WordCount { found: 0 });
    }

    #[test]
    fn a_wrong_checksum_says_so() {
        let error = Phrase::parse(&ABANDON.replace("about", "abandon")).unwrap_err();
        assert_eq!(error, PhraseError::Checksum);
    }

    #[test]
    fn a_whole_book_is_no_phrase() {
        assert_eq!(Phrase::parse(&"a ".repeat(1 << 20)).unwrap_err(), PhraseError::TooLong);
    }

    #[test]
    fn printing_a_phrase_shows_no_word() {
        assert_eq!(format!("{:?}", Phrase::parse(ABANDON).unwrap()), "Phrase([redacted])");
    }
}
