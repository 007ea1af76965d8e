//! A share with real signing keys: members and their devices are numbers, as devices are in
//! [`crate::world`]. Member 1 is the owner.

use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::heads::Head;
use mainstay_protocol::ids::{EpochId, MemberId, SlotId};
use mainstay_protocol::roster::{
    Act, AuthorLast, Epoch, LastHead, Party, Record, Role, Roster, RosterError, ShareState, WrapRef,
};
use mainstay_protocol::sign::Signed;

use crate::world::*;

pub(crate) const OWNER: u8 = 1;
pub(crate) const SLOT: SlotId = SlotId([4; 16]);

pub(crate) fn member(number: u8) -> MemberId {
    key(number).member_id()
}

pub(crate) fn by(number: u8) -> Signer {
    match number {
        PHRASE => Signer::Recovery,
        member => Signer::Member(key(member).member_id()),
    }
}

pub(crate) fn party(number: u8, role: Role) -> Party {
    Party { key: key(number), kem: kem(number), role, sealed_name: vec![number; 8].into() }
}

pub(crate) fn share_of(number: u8) -> Act {
    Act::Share { owner: party(number, Role::Owner) }
}

pub(crate) fn enter(number: u8) -> Act {
    Act::Enter { member: party(number, Role::Counsellor) }
}

pub(crate) fn leave(number: u8) -> Act {
    Act::Leave { member: member(number), last: vec![] }
}

pub(crate) fn certify(number: u8) -> Act {
    Act::Certify { key: key(number) }
}

pub(crate) fn retire(number: u8) -> Act {
    Act::Retire { author: author(number), last: vec![] }
}

pub(crate) fn rekey(number: u8) -> Act {
    Act::Rekey { owner: party(number, Role::Owner), last: vec![] }
}

pub(crate) fn consent(epoch: &Act, until_ms: Option<u64>) -> Act {
    let Act::Epoch(epoch) = epoch else { panic!("no epoch") };
    Act::Consent { epoch: epoch.id, sealed: vec![7; 40].into(), until_ms }
}

/// Epoch `number` for these members and the root.
pub(crate) fn epoch_for(number: u32, members: &[u8]) -> Act {
    let wrap = |number: &u8| WrapRef { to: by(*number), hash: Hash([*number; 32]) };
    let wraps = members.iter().chain([&PHRASE]).map(wrap).collect();
    let mut id = [0xee; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Act::Epoch(Epoch { id: EpochId(id), number, wraps, previous: vec![] })
}

/// Where a device's chain ends in [`SLOT`].
pub(crate) fn last(number: u8, seq: u64) -> AuthorLast {
    AuthorLast { author: author(number), last: last_head(SLOT, seq) }
}

pub(crate) fn last_head(slot: SlotId, seq: u64) -> LastHead {
    LastHead { slot, head: Head { seq, hash: Hash([5; 32]) } }
}

pub(crate) fn share_founding() -> Record {
    Record { acts: vec![found(), share_of(OWNER), epoch_for(1, &[OWNER])], ..founding() }
}

pub(crate) fn founded_share() -> Roster {
    Roster::verify(space(), &[sign(&share_founding(), PHRASE)]).unwrap()
}

/// A share with these counsellors, each with an epoch of their own.
pub(crate) fn share_with(counsellors: &[u8]) -> Roster {
    let mut roster = founded_share();
    for (at, number) in counsellors.iter().enumerate() {
        let present = [&[OWNER], &counsellors[..=at]].concat();
        let epoch = epoch_for(at as u32 + 2, &present);
        say(&mut roster, OWNER, vec![enter(*number), epoch]).unwrap();
    }
    roster
}

/// A share of owner 1 with device 11, and counsellor 2 with device 12.
pub(crate) fn two_members() -> Roster {
    let mut roster = share_with(&[2]);
    say(&mut roster, OWNER, vec![certify(11)]).unwrap();
    say(&mut roster, 2, vec![certify(12)]).unwrap();
    roster
}

pub(crate) fn next_of(roster: &Roster, signer: u8, acts: Vec<Act>) -> Record {
    Record { signer: by(signer), ..next(roster, PHRASE, acts) }
}

/// Appends a record that a member, or the root, signs.
pub(crate) fn say(roster: &mut Roster, signer: u8, acts: Vec<Act>) -> Result<usize, RosterError> {
    let record = next_of(roster, signer, acts);
    roster.append(&sign(&record, signer))
}

/// Taking the share back after the record of this number, with `newcomer` as the owner's new keys.
pub(crate) fn take_back(roster: &Roster, after: u32, newcomer: u8, left: &[u8]) -> Signed<Record> {
    let (parent, ..) = roster.records().nth(after as usize).unwrap();
    let epochs = roster.state_at(parent).unwrap().epoch.number;
    let epoch = epoch_for(epochs + 1, &[&[newcomer], left].concat());
    let record = Record {
        number: after + 1,
        parent: Some(*parent),
        ..next_of(roster, PHRASE, vec![Act::Recover, rekey(newcomer), epoch])
    };
    sign(&record, PHRASE)
}

pub(crate) fn share(roster: &Roster) -> &ShareState {
    roster.state().share.as_ref().unwrap()
}

pub(crate) fn present(roster: &Roster) -> Vec<MemberId> {
    share(roster).present().map(|(id, _)| *id).collect()
}
