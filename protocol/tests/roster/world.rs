//! A space with real signing keys; key-exchange keys and wraps are of the right size and no more,
//! because this crate cannot open them.

use ed25519_dalek::{Signer as _, SigningKey};
use mainstay_protocol::FORMAT_VERSION;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{AuthorId, EpochId, SpaceId};
use mainstay_protocol::roster::{
    Act, Device, DeviceStatus, Epoch, KemKey, Record, Roster, RosterError, WrapRef,
};
use mainstay_protocol::sign::{Signature, Signed, VerifyKey};

/// The number of the recovery key among the keys.
pub(crate) const PHRASE: u8 = 200;

pub(crate) fn key(number: u8) -> VerifyKey {
    VerifyKey(signing(number).verifying_key().to_bytes())
}

fn signing(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub(crate) fn author(number: u8) -> AuthorId {
    key(number).author_id()
}

pub(crate) fn to(number: u8) -> Signer {
    match number {
        PHRASE => Signer::Recovery,
        device => Signer::Device(author(device)),
    }
}

pub(crate) fn space() -> SpaceId {
    key(PHRASE).space_id()
}

pub(crate) fn kem(number: u8) -> KemKey {
    KemKey(vec![number; KemKey::LEN].into())
}

pub(crate) fn device(number: u8) -> Device {
    Device { key: key(number), kem: kem(number), sealed_name: vec![number; 8].into() }
}

pub(crate) fn wrap(number: u8) -> WrapRef {
    WrapRef { to: to(number), hash: Hash([number; 32]) }
}

/// Epoch `number`, wrapped for the phrase and these devices. `branch` tells keys apart.
pub(crate) fn epoch_of(branch: u8, number: u32, devices: &[u8]) -> Act {
    let wraps = devices.iter().chain([&PHRASE]).map(|number| wrap(*number)).collect();
    let mut id = [branch; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Act::Epoch(Epoch { id: EpochId(id), number, wraps, previous: vec![] })
}

pub(crate) fn epoch(number: u32, devices: &[u8]) -> Act {
    epoch_of(0, number, devices)
}

pub(crate) fn admit(number: u8) -> Act {
    Act::Admit { device: device(number), wrap: Some(wrap(number)), succeeds: None }
}

pub(crate) fn admit_unwrapped(number: u8) -> Act {
    Act::Admit { device: device(number), wrap: None, succeeds: None }
}

pub(crate) fn remove(number: u8) -> Act {
    Act::Remove { author: author(number), last: vec![] }
}

pub(crate) fn found() -> Act {
    Act::Found { recovery: key(PHRASE), recovery_kem: kem(PHRASE) }
}

pub(crate) fn sign(record: &Record, signer: u8) -> Signed<Record> {
    Signed::seal(record, |input| Signature(signing(signer).sign(input).to_bytes()))
}

pub(crate) fn founding() -> Record {
    Record {
        version: FORMAT_VERSION,
        space: space(),
        number: 0,
        parent: None,
        signer: Signer::Recovery,
        acts: vec![found(), admit_unwrapped(0), epoch(1, &[0])],
    }
}

/// A space with device 0.
pub(crate) fn founded() -> Roster {
    Roster::verify(space(), &[sign(&founding(), PHRASE)]).unwrap()
}

/// A space with these devices besides 0, each let in by a record of its own.
pub(crate) fn with(devices: &[u8]) -> Roster {
    let mut roster = founded();
    for number in devices {
        put(&mut roster, 0, vec![admit(*number)]).unwrap();
    }
    roster
}

/// A record after the roster's head, not yet signed.
pub(crate) fn next(roster: &Roster, signer: u8, acts: Vec<Act>) -> Record {
    Record {
        version: FORMAT_VERSION,
        space: *roster.space(),
        number: roster.number() + 1,
        parent: Some(roster.head()),
        signer: to(signer),
        acts,
    }
}

/// Appends a record of `signer`'s after the head.
pub(crate) fn put(roster: &mut Roster, signer: u8, acts: Vec<Act>) -> Result<usize, RosterError> {
    let record = next(roster, signer, acts);
    roster.append(&sign(&record, signer))
}

/// A recovery after the record of this number, for device `newcomer`.
pub(crate) fn recovery(roster: &Roster, after: u32, newcomer: u8) -> Signed<Record> {
    let (parent, _, _) = roster.records().nth(after as usize).unwrap();
    let epochs = roster.state_at(parent).unwrap().epoch.number;
    let start = epoch_of(newcomer, epochs + 1, &[newcomer]);
    let record = Record {
        number: after + 1,
        parent: Some(*parent),
        ..next(roster, PHRASE, vec![Act::Recover, admit_unwrapped(newcomer), start])
    };
    sign(&record, PHRASE)
}

pub(crate) fn status(roster: &Roster, number: u8) -> &DeviceStatus {
    &roster.state().members[&author(number)].status
}

/// Asserts that exactly this rule is broken.
#[track_caller]
pub(crate) fn breaks<T: std::fmt::Debug>(result: Result<T, RosterError>, expected: &str) {
    match result.unwrap_err() {
        RosterError::Rule { rule, .. } => assert_eq!(rule, expected),
        other => panic!("{other}"),
    }
}
