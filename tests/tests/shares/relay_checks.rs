//! What a dishonest relay may try with a share, each check by its number on the list of checks that
//! Mainstay must pass:
//!
//! * 1: a counsellor's key swapped at invitation, re-fetch or rotation (`keys`);
//! * 3: wrapped keys swapped, flipped or spliced between epochs, spaces, recipients, persons (`wraps`);
//! * 6: whatever it answers (`anything`);
//! * 13: bombs that a counsellor seals (`bombs`);
//! * 16: an old copy of the journal, or of a counsellor's vault, shown to twelve words (`old`);
//! * 19: what a counsellor can decrypt holds nothing that was not given (`given`);
//! * 20: after a revoke new words stay unreadable, whatever the relay goes on to serve (`given`);
//! * 21: a counsellor writes neither in the person's entries nor as anybody else (`forged`);
//! * 22: no key in any address or plain field, and no word (`fields`);
//! * and a relay in the middle of an invitation that looks for a matching code (`middle`).

mod anything;
mod bombs;
mod fields;
mod forged;
mod given;
mod keys;
mod middle;
mod old;
mod wraps;

use mainstay_core::chapter::{Payload, SlotName};
use mainstay_core::document::{CareValue, CareValues, PlanDoc};
use mainstay_core::engine::EngineError;
use mainstay_core::space::keyring::Keyring;
use mainstay_core::space::member::{MemberKeys, MemberSecret};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::sign::AuthorKey;
use mainstay_core::space::wrap::unwrap;
use mainstay_protocol::codec;
use mainstay_protocol::envelope::Envelope;
use mainstay_protocol::frame::{ItemBody, Pull, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::limits::MAX_PULL_BYTES;
use mainstay_protocol::roster::{Act, Record, Roster, Wrap};
use mainstay_protocol::sign::{Signature, Signed, purpose};
use mainstay_protocol::statement::Cursor;
use mainstay_sync_server::feed::FeedStore;
use mainstay_sync_server::relay::Connection;
use mainstay_tests::inside::Inside;
use mainstay_tests::people::Greeting;
use mainstay_tests::sharing::code;
use mainstay_tests::world::{Phone, World};
use zeroize::Zeroizing;

use crate::kit::{DAY_MS, Pair};

/// What a person's vault says of a share: every key that they ever had in it.
pub(crate) struct Vault {
    secrets: Vec<MemberSecret>,
    keyring: Keyring,
    values: CareValues,
}

impl Vault {
    /// As somebody with the twelve words reads it from the relay.
    pub(crate) fn of(world: &World, phrase: &Phrase, share: &SpaceId) -> Self {
        let mut inside = Inside::new(&world.relay, phrase, world.now_ms as u64);
        let mut plan = PlanDoc::create().unwrap();
        for (_, envelope) in inside.envelopes() {
            match inside.open(&envelope) {
                Some(Payload::Plan { changes }) => plan.apply(&changes).unwrap(),
                Some(Payload::Part { slot: SlotName::Plan, bytes }) => {
                    plan.merge(&PlanDoc::load(&bytes).unwrap()).unwrap();
                }
                _ => {}
            }
        }
        let values = plan.care().remove(share).expect("a vault that knows the share");
        let bytes = |field: &str| match values[field].last() {
            Some(CareValue::Bytes(bytes)) => bytes.to_vec(),
            _ => panic!("{field} is no key"),
        };
        let named = |prefix: &str| -> Vec<Vec<u8>> {
            values.keys().filter(|field| field.starts_with(prefix)).map(|f| bytes(f)).collect()
        };
        let secret =
            |b: Vec<u8>| MemberSecret::from_bytes(Zeroizing::new(b.try_into().expect("32 bytes")));
        let secrets = named("secret:").into_iter().map(secret).collect();
        let keys = [bytes("space"), named("epoch:").concat()].concat();
        let keyring = Keyring::from_bytes(&keys).unwrap();
        Self { secrets, keyring, values }
    }

    /// The member's newest keys.
    pub(crate) fn keys(&self) -> MemberKeys {
        self.secrets.last().unwrap().keys()
    }

    /// The share's root, as it lies there sealed.
    fn sealed_root(&self) -> Vec<u8> {
        match self.values["root"].last() {
            Some(CareValue::Bytes(bytes)) => bytes.to_vec(),
            _ => panic!("no root"),
        }
    }
}

/// What the relay serves to a member as such: the list, and the wraps made for them.
pub(crate) fn served(world: &mut World, share: SpaceId, keys: &MemberKeys) -> Greeting {
    greeted(world, share, keys).unwrap()
}

/// The same, for whom the relay may refuse.
pub(crate) fn greeted(
    world: &mut World,
    share: SpaceId,
    keys: &MemberKeys,
) -> Result<Greeting, EngineError> {
    let sign = |message: &[u8]| keys.sign.sign_for(purpose::ATTACH, message);
    world.greet(share, keys.signer(), sign)
}

/// The key of a device of a member in a share, and every envelope that the relay serves it there.
pub(crate) struct Feed {
    pub(crate) connection: Connection,
    pub(crate) author: AuthorKey,
    pub(crate) envelopes: Vec<Envelope>,
}

pub(crate) fn feed(world: &mut World, share: SpaceId, phone: &Phone) -> Feed {
    let authors = (0..4).map(|generation| phone.secret.keys(&share, generation).author);
    let met = authors.filter_map(|key| Some((world.greet_as(share, &key).ok()?, key))).last();
    let (met, author) = met.expect("a device that is listed");
    let (mut connection, mut envelopes) = (met.connection, Vec::new());
    let mut cursor = Cursor::start(world.relay.incarnation());
    loop {
        let pull = Pull::After { cursor, limit_bytes: MAX_PULL_BYTES };
        let before = envelopes.len();
        for reply in world.handle(&mut connection, Request::Pull { space: share, pull }) {
            let Reply::Items { items, cursor: next, .. } = reply else { panic!("{reply:?}") };
            cursor = next;
            envelopes.extend(items.iter().map(|item| match &item.body {
                ItemBody::Whole(bytes) => Envelope::from_bytes(bytes).unwrap(),
                ItemBody::Stub(_) => panic!("records come whole"),
            }));
        }
        if envelopes.len() == before {
            return Feed { connection, author, envelopes };
        }
    }
}

/// Every wrap that a share's list names and the relay still has.
pub(crate) fn every_wrap(world: &World, roster: &Roster) -> Vec<Wrap> {
    let acts = roster.records().flat_map(|(.., record)| record.acts.clone());
    let named = acts.filter_map(|act| match act {
        Act::Epoch(epoch) => Some(epoch.wraps),
        _ => None,
    });
    let store = world.relay.store();
    let wraps = named.flatten().map(|w| store.wrap(roster.space(), &w.to, &w.hash).unwrap());
    wraps.flatten().collect()
}

/// How many wraps these keys open, as they are or said to be for them.
pub(crate) fn opened_by(keys: &MemberKeys, share: &SpaceId, wraps: &[Wrap]) -> usize {
    let opens = |wrap: &Wrap| unwrap(share, wrap, &keys.kem).is_ok();
    let theirs = |wrap: &Wrap| Wrap { to: keys.signer(), ..wrap.clone() };
    wraps.iter().filter(|wrap| opens(wrap) || opens(&theirs(wrap))).count()
}

/// Another record under the signature that an honest one bore.
fn under_its_signature(honest: &Signed<Record>, record: &Record) -> Signed<Record> {
    let signature = Signature(*codec::encode(honest).last_chunk().unwrap());
    Signed::seal(record, |_| signature)
}

/// Lets another counsellor into a share, by a second invitation.
fn let_in_another(p: &mut Pair) -> (Phrase, Phone) {
    let now_ms = p.world.now_ms;
    let life_ms = 7 * DAY_MS as u64;
    let invitation = p.phone.replica.invite_again(&p.share, life_ms, now_ms).unwrap();
    p.world.sync_all(&mut p.phone).unwrap();
    let (words, mut laptop) = p.world.counsellor();
    p.world.answer(&mut laptop, &invitation.to_text()).unwrap();
    p.world.sync_all(&mut laptop).unwrap();
    p.world.sync_all(&mut p.phone).unwrap();
    p.world.sync_all(&mut laptop).unwrap();
    let codes = [&mut p.phone, &mut laptop].map(|d| code(d, &p.share, now_ms).unwrap());
    assert!(codes[0].is_some() && codes[0] == codes[1], "{codes:?}");
    p.phone.replica.confirm_share(&p.share, now_ms).unwrap();
    for _ in 0..3 {
        p.world.sync_all(&mut p.phone).unwrap();
        p.world.sync_all(&mut laptop).unwrap();
        p.world.sync_all(&mut p.laptop).unwrap();
    }
    (words, laptop)
}
