//! The layout of the embedded store. Numbers are big-endian, so that keys sort by them.
//!
//! | key | value |
//! |---|---|
//! | `G` name | the incarnation, the witness |
//! | `S` space `m` | [`super::SpaceRow`] |
//! | `S` space `r` number | a roster record (blob) |
//! | `S` space `w` signer hash | a wrap |
//! | `S` space `i` number | a stored item's [`super::ItemRow`] |
//! | `S` space `d` number | a dropped item's row |
//! | `S` space `n` number | the running hash after that item, for ever |
//! | `S` space `b` number, `u` number | an envelope, a stub (blobs) |
//! | `S` space `h` hash | the number of a stored or dropped item |
//! | `S` space `q` slot author seq | the same |
//! | `S` space `l` slot number | nothing: the stored items of a slot |
//! | `S` space `e` slot author | the end of a chain |
//! | `S` space `j` number | a [`super::Covering`] at work |
//! | `S` space `p` author | a stamp and a receipt (blob) |
//! | `D` time space number | nothing: dropped items by age |
//! | `H` time space number | nothing: held snapshots by the end of their delay |
//! | `M` mailbox, `L` mailbox place | a mailbox, a letter (blob) |
//! | `U` nonce | until when the used invitation must be remembered |

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, MailboxId, SlotId, SpaceId};

pub(super) const INCARNATION: &[u8] = b"Gincarnation";
pub(super) const WITNESS: &[u8] = b"Gwitness";
pub(super) const SPACES: &[u8] = b"S";
pub(super) const DROPPED: &[u8] = b"D";
pub(super) const HELD: &[u8] = b"H";
pub(super) const MAILBOXES: &[u8] = b"M";
pub(super) const LETTERS: &[u8] = b"L";
pub(super) const INVITATIONS: &[u8] = b"U";

/// What lies under a space.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Meta = b'm' as isize,
    Record = b'r' as isize,
    Wrap = b'w' as isize,
    Item = b'i' as isize,
    DroppedItem = b'd' as isize,
    Running = b'n' as isize,
    Body = b'b' as isize,
    Stub = b'u' as isize,
    Hash = b'h' as isize,
    Place = b'q' as isize,
    Slot = b'l' as isize,
    Head = b'e' as isize,
    Covering = b'j' as isize,
    Receipt = b'p' as isize,
}

pub(super) fn table(space: &SpaceId, table: Table) -> Vec<u8> {
    let mut key = Vec::with_capacity(80);
    key.extend_from_slice(SPACES);
    key.extend_from_slice(space.as_bytes());
    key.push(table as u8);
    key
}

pub(super) fn numbered(space: &SpaceId, of: Table, number: u64) -> Vec<u8> {
    joined(table(space, of), &[&number.to_be_bytes()])
}

pub(super) fn record(space: &SpaceId, number: u32) -> Vec<u8> {
    joined(table(space, Table::Record), &[&number.to_be_bytes()])
}

pub(super) fn wrap(space: &SpaceId, to: &Signer, hash: &Hash) -> Vec<u8> {
    let to = match to {
        Signer::Recovery => [0; AuthorId::LEN],
        Signer::Device(author) => author.0,
        Signer::Member(member) => member.0,
    };
    joined(table(space, Table::Wrap), &[&to, hash.as_bytes()])
}

pub(super) fn hash(space: &SpaceId, hash: &Hash) -> Vec<u8> {
    joined(table(space, Table::Hash), &[hash.as_bytes()])
}

pub(super) fn place(space: &SpaceId, slot: &SlotId, author: &AuthorId, seq: u64) -> Vec<u8> {
    joined(places(space, slot, author), &[&seq.to_be_bytes()])
}

pub(super) fn places(space: &SpaceId, slot: &SlotId, author: &AuthorId) -> Vec<u8> {
    joined(table(space, Table::Place), &[slot.as_bytes(), author.as_bytes()])
}

pub(super) fn slot(space: &SpaceId, slot: &SlotId) -> Vec<u8> {
    joined(table(space, Table::Slot), &[slot.as_bytes()])
}

pub(super) fn slot_item(space: &SpaceId, of: &SlotId, number: u64) -> Vec<u8> {
    joined(slot(space, of), &[&number.to_be_bytes()])
}

pub(super) fn slot_heads(space: &SpaceId, slot: &SlotId) -> Vec<u8> {
    joined(table(space, Table::Head), &[slot.as_bytes()])
}

pub(super) fn head(space: &SpaceId, slot: &SlotId, author: &AuthorId) -> Vec<u8> {
    joined(slot_heads(space, slot), &[author.as_bytes()])
}

pub(super) fn receipt(space: &SpaceId, author: &AuthorId) -> Vec<u8> {
    joined(table(space, Table::Receipt), &[author.as_bytes()])
}

pub(super) fn dropped(at_ms: u64, space: &SpaceId, number: u64) -> Vec<u8> {
    joined(DROPPED.to_vec(), &[&at_ms.to_be_bytes(), space.as_bytes(), &number.to_be_bytes()])
}

pub(super) fn held(until_ms: u64, space: &SpaceId, number: u64) -> Vec<u8> {
    joined(HELD.to_vec(), &[&until_ms.to_be_bytes(), space.as_bytes(), &number.to_be_bytes()])
}

pub(super) fn mailbox(mailbox: &MailboxId) -> Vec<u8> {
    joined(MAILBOXES.to_vec(), &[mailbox.as_bytes()])
}

pub(super) fn letter(mailbox: &MailboxId, place: u32) -> Vec<u8> {
    joined(LETTERS.to_vec(), &[mailbox.as_bytes(), &place.to_be_bytes()])
}

pub(super) fn invitation(nonce: &[u8; 16]) -> Vec<u8> {
    joined(INVITATIONS.to_vec(), &[nonce])
}

fn joined(mut key: Vec<u8>, parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// The eight bytes at the end of a key, as the number that they are.
pub(super) fn trailing_number(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}
