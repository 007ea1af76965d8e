//! Changes to text: what a hand, a scanner or somebody clever might make of it.

use super::{Dice, bytes, words};

/// Characters at which readers of text go wrong: longer or shorter in the other case, joined to what
/// stands before them, of no width, written from right to left, digits that are no digits.
const ODD: [char; 20] = [
    '\0',
    '\u{feff}',
    'İ',
    'ß',
    'ſ',
    'K',
    '\u{301}',
    '\u{200b}',
    '\u{202e}',
    '\u{2028}',
    '٣',
    '０',
    '🌊',
    '\u{10ffff}',
    '\u{a0}',
    '\\',
    '"',
    '\r',
    '\t',
    '–',
];

/// Makes one change. The text stays UTF-8, but for one in a hundred.
pub(super) fn change(dice: &mut Dice, input: &mut Vec<u8>, examples: &[Vec<u8>]) {
    if dice.one_in(100) {
        return bytes::change(dice, input, examples);
    }
    let mut text: Vec<char> = String::from_utf8_lossy(input).chars().collect();
    one(dice, &mut text, examples);
    *input = text.into_iter().collect::<String>().into_bytes();
}

fn one(dice: &mut Dice, text: &mut Vec<char>, examples: &[Vec<u8>]) {
    let at = dice.below(text.len() + 1);
    match dice.below(12) {
        0 => text.truncate(at),
        1 => drop(text.drain(dice.span(text.len()))),
        2 => text.insert(at, ODD[dice.below(ODD.len())]),
        3 => text.insert(at, char::from(b' ' + dice.byte() % 95)),
        4 => replace(dice, text),
        5 => {
            let word = dice.pick(words::TEXT).copied().unwrap_or_default();
            text.splice(at..at, word.chars());
        }
        6 => {
            let other =
                dice.pick(examples).map(|other| String::from_utf8_lossy(other).into_owned());
            let other: Vec<char> = other.unwrap_or_default().chars().collect();
            let (place, part) = (dice.span(text.len()), dice.span(other.len()));
            text.splice(place, other[part].iter().copied());
        }
        7 => again(dice, text),
        8 => case(dice, text),
        9 => number(dice, text),
        10 if !text.is_empty() => {
            let (a, b) = (dice.below(text.len()), dice.below(text.len()));
            text.swap(a, b);
        }
        _ => {
            let most = if dice.one_in(20) { 20_000 } else { 40 };
            let many = dice.below(most);
            let opening = ['[', '{', '"', ' ', '\n', '-', '0', 'a'][dice.below(8)];
            text.splice(at..at, std::iter::repeat_n(opening, many));
        }
    }
}

/// Another character of the same sort, so that the text stays almost right.
fn replace(dice: &mut Dice, text: &mut [char]) {
    let at = dice.below(text.len());
    let Some(place) = text.get_mut(at) else { return };
    *place = match *place {
        '0'..='9' => char::from(b'0' + dice.byte() % 10),
        'a'..='z' => char::from(b'a' + dice.byte() % 26),
        'A'..='Z' => char::from(b'A' + dice.byte() % 26),
        _ => ODD[dice.below(ODD.len())],
    };
}

fn again(dice: &mut Dice, text: &mut Vec<char>) {
    let part = text[dice.span(text.len())].to_vec();
    let times = if dice.one_in(30) { 1 + dice.below(500) } else { 1 + dice.below(3) };
    let at = dice.below(text.len() + 1);
    if part.len() * times <= 1 << 16 {
        text.splice(at..at, part.repeat(times));
    }
}

fn case(dice: &mut Dice, text: &mut Vec<char>) {
    let part = dice.span(text.len());
    let changed: String = text[part.clone()].iter().collect();
    let changed = if dice.one_in(2) { changed.to_uppercase() } else { changed.to_lowercase() };
    text.splice(part, changed.chars());
}

/// Another number in place of one that stands there.
fn number(dice: &mut Dice, text: &mut Vec<char>) {
    let Some(from) = text.iter().position(char::is_ascii_digit) else { return };
    let from = from + dice.below(text.len() - from);
    let digits = text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let number = match dice.below(4) {
        0 => format!("-{}", dice.number()),
        1 => format!("{}e{}", dice.number(), dice.below(400)),
        2 => format!("{:0>width$}", dice.number(), width = digits),
        _ => dice.number().to_string(),
    };
    text.splice(from..from + digits, number.chars());
}
