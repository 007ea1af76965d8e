//! Changes to CBOR as the tree that it is: lengths stay right, and byte strings that hold CBOR again
//! are opened, so that what is changed lies deep inside.

use super::{Dice, bytes, text};

/// Deeper examples are left to the changes of bytes.
const MAX_DEPTH: usize = 24;

#[derive(Clone)]
enum Node {
    Number {
        negative: bool,
        value: u64,
    },
    Bytes(Vec<u8>),
    Text(Vec<u8>),
    /// A byte string that holds a list or a map.
    Inside(Box<Node>),
    List(Vec<Node>),
    /// Keys and values in turn.
    Map(Vec<Node>),
    /// Anything else, as it stands.
    Other(Vec<u8>),
}

/// Makes one change, if the input is CBOR.
pub(super) fn change(dice: &mut Dice, input: &mut Vec<u8>, examples: &[Vec<u8>]) -> bool {
    // What packed forms put in front of it.
    let front = usize::from(input.first() == Some(&0) && input.len() > 1);
    let Some(mut node) = whole(&input[front..]) else { return false };
    let place = dice.below(node.count());
    let other = dice.pick(examples).and_then(|other| whole(other));
    node.at(&mut { place }, &mut |node| alter(dice, node, other.as_ref()));
    input.truncate(front);
    node.write(input);
    true
}

fn alter(dice: &mut Dice, node: &mut Node, other: Option<&Node>) {
    match dice.below(12) {
        0 => {
            if let Some(other) = other {
                let place = dice.below(other.count());
                other.clone().at(&mut { place }, &mut |part| *node = part.clone());
            }
        }
        1 => *node = Node::Other(vec![0xf6]),
        2 => *node = Node::List(vec![node.clone()]),
        3 => *node = Node::Number { negative: dice.one_in(4), value: dice.number() },
        4 if dice.one_in(4) => {
            let deep = 1 + dice.below(3000);
            *node = Node::Other([&vec![0x81; deep][..], &[0]].concat());
        }
        _ => within(dice, node),
    }
}

fn within(dice: &mut Dice, node: &mut Node) {
    match node {
        Node::Number { negative, value } => match dice.below(4) {
            0 => *value = value.wrapping_add(1),
            1 => *value = value.wrapping_sub(1),
            2 => *negative = !*negative,
            _ => *value = dice.number(),
        },
        Node::Bytes(held) if dice.one_in(4) => {
            let lengths = [0, 1, 15, 16, 17, 31, 32, 33, 64, 255, 256, 1216, 4096];
            held.resize(lengths[dice.below(lengths.len())], 0);
        }
        Node::Bytes(held) => bytes::change(dice, held, &[]),
        Node::Text(held) => text::change(dice, held, &[]),
        Node::Inside(inside) => within(dice, inside),
        Node::List(items) => list(dice, items),
        Node::Map(pairs) => {
            let mut items: Vec<Node> =
                pairs.chunks(2).map(|pair| Node::List(pair.to_vec())).collect();
            list(dice, &mut items);
            *pairs = items.into_iter().flat_map(Node::pair).collect();
        }
        Node::Other(held) => bytes::change(dice, held, &[]),
    }
}

fn list(dice: &mut Dice, items: &mut Vec<Node>) {
    let at = dice.below(items.len());
    match dice.below(7) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 => items.truncate(at),
        2 | 3 if !items.is_empty() => {
            let most = if dice.one_in(15) { 3000 } else { 3 };
            let times = 1 + dice.below(most);
            let item = items[at].clone();
            if item.count() * times <= 20_000 {
                items.splice(at..at, std::iter::repeat_n(item, times));
            }
        }
        4 if !items.is_empty() => {
            let other = dice.below(items.len());
            items.swap(at, other);
        }
        5 => items.push(Node::Other(vec![0xa1, 0x01, 0x81, 0x02])),
        _ => items.reverse(),
    }
}

fn whole(bytes: &[u8]) -> Option<Node> {
    let mut rest = bytes;
    let node = read(&mut rest, 0)?;
    rest.is_empty().then_some(node)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = left;
    Some(taken)
}

fn read(rest: &mut &[u8], depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    let start = *rest;
    let first = *take(rest, 1)?.first()?;
    let value = match first & 0x1f {
        small @ 0..24 => u64::from(small),
        size @ 24..28 => {
            take(rest, 1 << (size - 24))?.iter().fold(0, |n, b| n << 8 | u64::from(*b))
        }
        _ => return None,
    };
    // Every item takes a byte: a list cannot be longer than what is left.
    let fits = value <= rest.len() as u64;
    Some(match first >> 5 {
        0 | 1 => Node::Number { negative: first >> 5 == 1, value },
        2 => {
            let held = take(rest, value)?;
            match whole_list(held, depth) {
                Some(inside) => Node::Inside(Box::new(inside)),
                None => Node::Bytes(held.to_vec()),
            }
        }
        3 => Node::Text(take(rest, value)?.to_vec()),
        4 if fits => Node::List((0..value).map(|_| read(rest, depth + 1)).collect::<Option<_>>()?),
        5 if fits => {
            Node::Map((0..value * 2).map(|_| read(rest, depth + 1)).collect::<Option<_>>()?)
        }
        7 => Node::Other(start[..start.len() - rest.len()].to_vec()),
        _ => return None,
    })
}

fn whole_list(held: &[u8], depth: usize) -> Option<Node> {
    let mut rest = held;
    let node = read(&mut rest, depth + 1)?;
    let list = matches!(&node, Node::List(items) | Node::Map(items) if !items.is_empty());
    (rest.is_empty() && list).then_some(node)
}

impl Node {
    fn count(&self) -> usize {
        1 + match self {
            Self::Inside(inside) => inside.count(),
            Self::List(items) | Self::Map(items) => items.iter().map(Self::count).sum(),
            _ => 0,
        }
    }

    /// Finds the node at a place, counted from the top.
    fn at(&mut self, place: &mut usize, found: &mut dyn FnMut(&mut Node)) {
        if *place == 0 {
            *place = usize::MAX;
            return found(self);
        }
        *place -= 1;
        match self {
            Self::Inside(inside) => inside.at(place, found),
            Self::List(items) | Self::Map(items) => {
                for item in items {
                    if *place == usize::MAX {
                        return;
                    }
                    item.at(place, found);
                }
            }
            _ => {}
        }
    }

    fn pair(self) -> Vec<Node> {
        match self {
            Self::List(mut pair) => {
                pair.resize(2, Self::Other(vec![0xf6]));
                pair
            }
            other => vec![other, Self::Other(vec![0xf6])],
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number { negative, value } => head(out, u8::from(*negative), *value),
            Self::Bytes(held) => {
                head(out, 2, held.len() as u64);
                out.extend_from_slice(held);
            }
            Self::Text(held) => {
                head(out, 3, held.len() as u64);
                out.extend_from_slice(held);
            }
            Self::Inside(inside) => {
                let mut held = Vec::new();
                inside.write(&mut held);
                Self::Bytes(held).write(out);
            }
            Self::List(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(items) => {
                head(out, 5, items.len() as u64 / 2);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Other(held) => out.extend_from_slice(held),
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..24 => out.push(major | value as u8),
        24..0x100 => out.extend([major | 24, value as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend((value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_golden_vector_that_is_cbor_is_written_as_it_was_read() {
        let mut read = 0;
        for vector in crate::golden::all() {
            let Some(node) = whole(&vector) else { continue };
            let mut again = Vec::new();
            node.write(&mut again);
            assert_eq!(again, vector);
            read += 1;
        }
        assert!(read > 100, "{read}");
    }
}
