//! BIP-39: entropy to words and back.

use mainstay_core::space::phrase::Phrase;

use crate::unhex;

#[test]
fn the_published_phrases_of_128_bits_come_out() {
    let mut checked = 0;
    for line in include_str!("../vectors/bip39_english_128.txt").lines() {
        let (entropy, words) = line.split_once(' ').unwrap();
        let entropy: [u8; 16] = unhex(entropy).try_into().unwrap();
        let phrase = Phrase::from_entropy(&entropy);
        assert_eq!(phrase.words().collect::<Vec<_>>().join(" "), words);
        assert_eq!(Phrase::parse(words).unwrap(), phrase);
        checked += 1;
    }
    assert_eq!(checked, 8);
}
