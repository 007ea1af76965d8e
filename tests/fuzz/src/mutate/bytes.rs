//! Changes that know nothing of what the bytes mean.

use super::{Dice, words};

/// Makes one change.
pub(super) fn change(dice: &mut Dice, input: &mut Vec<u8>, examples: &[Vec<u8>]) {
    match dice.below(14) {
        0 => flip(dice, input),
        1 => set(dice, input),
        2 => input.truncate(dice.below(input.len() + 1)),
        3 => input.extend(dice.bytes(64)),
        4 => splice(dice, input, examples),
        5 => again(dice, input),
        6 => drop(input.drain(dice.span(input.len()))),
        7 => inflate(dice, input),
        8 => nest(dice, input),
        9 => number(dice, input),
        10 => {
            let word = dice.pick(words::BYTES).copied().unwrap_or_default();
            insert(dice, input, word);
        }
        11 => {
            let word = dice.pick(words::TEXT).copied().unwrap_or_default();
            insert(dice, input, word.as_bytes());
        }
        12 => leb128(dice, input),
        _ => swap(dice, input),
    }
}

fn flip(dice: &mut Dice, input: &mut [u8]) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(input.len());
        if let Some(byte) = input.get_mut(at) {
            *byte ^= 1 << dice.below(8);
        }
    }
}

fn set(dice: &mut Dice, input: &mut [u8]) {
    let telling = [0, 1, 0x17, 0x18, 0x1b, 0x40, 0x5b, 0x7f, 0x80, 0x9f, 0xf6, 0xf7, 0xfe, 0xff];
    let at = dice.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte = if dice.one_in(2) { dice.byte() } else { telling[dice.below(telling.len())] };
    }
}

pub(super) fn insert(dice: &mut Dice, input: &mut Vec<u8>, word: &[u8]) {
    let at = dice.below(input.len() + 1);
    match dice.one_in(2) && at + word.len() <= input.len() {
        true => input[at..at + word.len()].copy_from_slice(word),
        false => drop(input.splice(at..at, word.iter().copied())),
    }
}

/// The beginning of one example and the end of another, or a part of the other in the middle.
fn splice(dice: &mut Dice, input: &mut Vec<u8>, examples: &[Vec<u8>]) {
    let Some(other) = dice.pick(examples) else { return };
    if dice.one_in(2) {
        input.truncate(dice.below(input.len() + 1));
        input.extend_from_slice(&other[dice.below(other.len() + 1)..]);
    } else {
        let (place, part) = (dice.span(input.len()), dice.span(other.len()));
        input.splice(place, other[part].iter().copied());
    }
}

/// A part once more, or many times.
fn again(dice: &mut Dice, input: &mut Vec<u8>) {
    let part = input[dice.span(input.len())].to_vec();
    let times = if dice.one_in(20) { 1 + dice.below(2000) } else { 1 + dice.below(3) };
    let at = dice.below(input.len() + 1);
    if part.len() * times <= 1 << 17 {
        input.splice(at..at, part.repeat(times));
    }
}

/// Where a length may stand, an enormous one of the same sort.
fn inflate(dice: &mut Dice, input: &mut Vec<u8>) {
    let at = dice.below(input.len() + 1);
    let major = input.get(at).map_or(0x80, |byte| byte & 0xe0);
    let major = if dice.one_in(3) { [0x40, 0x60, 0x80, 0xa0][dice.below(4)] } else { major };
    let head = match dice.below(3) {
        0 => [&[major | 0x1b][..], &dice.number().to_be_bytes()].concat(),
        1 => [&[major | 0x1a][..], &(dice.number() as u32).to_be_bytes()].concat(),
        _ => [&[major | 0x19][..], &(dice.number() as u16).to_be_bytes()].concat(),
    };
    let end = (at + dice.below(2)).min(input.len());
    input.splice(at..end, head);
}

/// Many opened brackets.
fn nest(dice: &mut Dice, input: &mut Vec<u8>) {
    let opening: &[u8] =
        [&[0x81][..], &[0x9f], &[0xc1], &[0xa1, 0x00], &[0xbf], b"[", b"{\"a\":"][dice.below(7)];
    let most = if dice.one_in(10) { 30_000 } else { 200 };
    let many = opening.repeat(1 + dice.below(most));
    let at = dice.below(input.len() + 1);
    input.splice(at..at, many);
}

fn number(dice: &mut Dice, input: &mut [u8]) {
    let number = dice.number();
    let bytes = match dice.one_in(2) {
        true => number.to_be_bytes(),
        false => number.to_le_bytes(),
    };
    let bytes = &bytes[8 - [2, 4, 8][dice.below(3)]..];
    let at = dice.below(input.len());
    if let Some(place) = input.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// A number in the form that documents use.
fn leb128(dice: &mut Dice, input: &mut Vec<u8>) {
    let mut number = dice.number();
    let mut bytes = Vec::new();
    loop {
        let more = number >= 0x80;
        bytes.push(number as u8 & 0x7f | if more { 0x80 } else { 0 });
        number >>= 7;
        if !more {
            break;
        }
    }
    let at = dice.below(input.len() + 1);
    let end = (at + dice.below(2)).min(input.len());
    input.splice(at..end, bytes);
}

fn swap(dice: &mut Dice, input: &mut [u8]) {
    if !input.is_empty() {
        let (a, b) = (dice.below(input.len()), dice.below(input.len()));
        input.swap(a, b);
    }
}
