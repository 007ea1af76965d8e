//! What the vault says of a share: which of a person's devices wrote it does not matter.

use std::collections::BTreeMap;

use mainstay_protocol::ids::{MemberId, SpaceId};
use mainstay_protocol::roster::Role;
use zeroize::Zeroizing;

use super::Replica;
use crate::care::{Choice, Consent, meet};
use crate::document::{CareValue, CareValues};
use crate::engine::error::EngineError;
use crate::engine::replica::open::{PLAN, meta};
use crate::journal::EntryId;
use crate::space::epoch::{EpochKey, SpaceKey};
use crate::space::keyring::Keyring;
use crate::space::member::MemberSecret;

const ROLE: &str = "role";
const SPACE_KEY: &str = "space";
const ROOT: &str = "root";
const RELAY: &str = "relay";
const PEER: &str = "peer";
const MADE: &str = "made";
const ENDED: &str = "ended";
const CONSENT: &str = "consent";
const SECRET: &str = "secret:";
const EPOCH: &str = "epoch:";
const CHOICE: &str = "choice:";
const OUT: &str = "out:";
const READER: &str = "reader:";
const TAKEN_BACK: &str = "taken-back";
const TELLS_OPENED: &str = "tells-opened";

const OWNER: i64 = 0;
const COUNSELLOR: i64 = 1;
const HIDDEN: i64 = 0;
const ADDED: i64 = 1;
const OFF: i64 = 0;
const ON: i64 = 1;

/// A share as the vault has it.
pub(in crate::engine::replica) struct Book {
    pub(super) role: Role,
    /// The member's secrets by generation, sorted; a removed device knew the earlier ones. Where two
    /// devices made one at once both are kept.
    pub(super) secrets: Vec<(u32, MemberSecret)>,
    /// How many devices had been removed, and how often the journal been recovered, when the newest
    /// secret was made.
    pub(super) renewed_at: u32,
    pub(super) space_key: Option<[u8; 32]>,
    pub(super) epochs: Vec<EpochKey>,
    /// The other side's name, as this person calls them.
    pub(super) peer: String,
    pub(super) relay: String,
    pub(super) made_ms: i64,
    /// Since when the person wants it to be over.
    pub(super) ended_ms: Option<i64>,
    /// What the person agrees to; where two devices changed it at once, what both agree to.
    pub(super) consent: Option<Consent>,
    pub(super) choices: BTreeMap<EntryId, Choice>,
    /// Members that the person wants out.
    pub(super) out: Vec<MemberId>,
    /// Members whom the person confirmed.
    pub(super) readers: Vec<MemberId>,
    /// Under which of the secrets the twelve words took the share back last.
    pub(super) taken_back: Option<u32>,
    /// Whether this person tells, where a client asks, when they opened what is shared.
    pub(super) tells_opened: bool,
}

impl Book {
    pub(super) fn read(values: &CareValues) -> Option<Self> {
        let last = |field: &str| values.get(field).and_then(|values| values.last());
        let bytes = |field: &str| match last(field) {
            Some(CareValue::Bytes(bytes)) => Some(&bytes[..]),
            _ => None,
        };
        let text = |field: &str| match last(field) {
            Some(CareValue::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let int = |field: &str| match last(field) {
            Some(CareValue::Int(number)) => Some(*number),
            _ => None,
        };
        let named = |prefix: &'static str| {
            values
                .keys()
                .filter_map(move |field| Some((field.as_str(), field.strip_prefix(prefix)?)))
        };
        let role = match int(ROLE)? {
            OWNER => Role::Owner,
            COUNSELLOR => Role::Counsellor,
            _ => return None,
        };
        // The field's name: generation, how far the list of devices was, and a part of its own.
        let mut secrets: Vec<(u32, u32, MemberSecret)> = named(SECRET)
            .filter_map(|(field, name)| {
                let secret: [u8; 32] = bytes(field)?.try_into().ok()?;
                let mut parts = name.split(':');
                let (generation, at) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                Some((generation, at, MemberSecret::from_bytes(Zeroizing::new(secret))))
            })
            .collect();
        // The map's order is that of the names; a stable sort keeps it within a generation.
        secrets.sort_by_key(|(generation, ..)| *generation);
        let renewed_at = secrets.iter().map(|(_, at, _)| *at).max().unwrap_or(0);
        let secrets = secrets.into_iter().map(|(generation, _, secret)| (generation, secret));
        let epochs = named(EPOCH)
            .filter_map(|(field, _)| Some(EpochKey::from_bytes(bytes(field)?.try_into().ok()?)));
        // Whoever hid an entry on either device hid it.
        let choice = |field: &str| match values.get(field)?.iter().any(is_hidden) {
            true => Some(Choice::Hidden),
            false => (int(field)? == ADDED).then_some(Choice::Added),
        };
        let choices =
            named(CHOICE).filter_map(|(field, entry)| Some((entry.parse().ok()?, choice(field)?)));
        let members = |prefix| {
            named(prefix).filter_map(|(field, _)| MemberId::from_slice(bytes(field)?)).collect()
        };
        Some(Self {
            role,
            secrets: secrets.collect(),
            renewed_at,
            space_key: bytes(SPACE_KEY).and_then(|key| key.try_into().ok()),
            epochs: epochs.collect(),
            peer: text(PEER).unwrap_or_default(),
            relay: text(RELAY)?,
            made_ms: int(MADE).unwrap_or(0),
            ended_ms: int(ENDED),
            consent: consent(values),
            choices: choices.collect(),
            out: members(OUT),
            readers: members(READER),
            taken_back: int(TAKEN_BACK).and_then(|generation| u32::try_from(generation).ok()),
            tells_opened: tells_opened(values),
        })
    }

    /// The share's root, sealed for the twelve words.
    pub(super) fn root(values: &CareValues) -> Option<Vec<u8>> {
        match values.get(ROOT)?.last()? {
            CareValue::Bytes(sealed) => Some(sealed.to_vec()),
            _ => None,
        }
    }

    /// The keys that the vault has.
    pub(super) fn keyring(&self) -> Option<Keyring> {
        let first = self.epochs.first()?.clone();
        let mut keyring = Keyring::new(SpaceKey::from_bytes(self.space_key?), first);
        self.epochs.iter().for_each(|epoch| keyring.add(epoch.clone()));
        Some(keyring)
    }

    /// What the person decided about one entry.
    pub(super) fn choice(&self, entry: &EntryId) -> Choice {
        self.choices.get(entry).copied().unwrap_or(Choice::Rule)
    }
}

fn is_hidden(value: &CareValue) -> bool {
    matches!(value, CareValue::Int(HIDDEN))
}

/// Whoever switched it off on either device switched it off.
fn tells_opened(values: &CareValues) -> bool {
    let said = values.get(TELLS_OPENED).into_iter().flatten();
    let mut said = said.peekable();
    said.peek().is_some() && said.all(|value| matches!(value, CareValue::Int(ON)))
}

/// Of consents that two devices wrote at once, what both agree to.
fn consent(values: &CareValues) -> Option<Consent> {
    let all = values.get(CONSENT)?.iter().filter_map(|value| match value {
        CareValue::Bytes(bytes) => Consent::from_bytes(bytes).ok(),
        _ => None,
    });
    all.reduce(|one, other| meet(&one, &other))
}

/// A change of the book, field by field.
#[derive(Default)]
pub(super) struct Entry(Vec<(String, Option<CareValue>)>);

impl Entry {
    fn bytes(mut self, field: String, bytes: &[u8]) -> Self {
        self.0.push((field, Some(CareValue::Bytes(Zeroizing::new(bytes.to_vec())))));
        self
    }

    fn int(mut self, field: String, number: i64) -> Self {
        self.0.push((field, Some(CareValue::Int(number))));
        self
    }

    fn text(mut self, field: &str, text: &str) -> Self {
        self.0.push((field.to_owned(), Some(CareValue::Text(text.to_owned()))));
        self
    }

    pub(super) fn role(self, role: Role) -> Self {
        let role = if role == Role::Owner { OWNER } else { COUNSELLOR };
        self.int(ROLE.to_owned(), role)
    }

    /// A secret, made when the list of devices had come so far. Its field bears the member's id, so
    /// that none of two that are made at once is lost.
    pub(super) fn secret(self, generation: u32, at: u32, secret: &MemberSecret) -> Self {
        let id = secret.keys().member_id().to_hex();
        self.bytes(format!("{SECRET}{generation}:{at}:{id}"), secret.expose())
    }

    pub(super) fn reader(self, member: &MemberId) -> Self {
        self.bytes(format!("{READER}{}", member.to_hex()), member.as_bytes())
    }

    pub(super) fn taken_back(self, generation: u32) -> Self {
        self.int(TAKEN_BACK.to_owned(), generation.into())
    }

    pub(super) fn keyring(mut self, keyring: &Keyring) -> Self {
        self = self.bytes(SPACE_KEY.to_owned(), &keyring.to_bytes()[..32]);
        for epoch in keyring.to_bytes()[32..].as_chunks::<32>().0 {
            let key = EpochKey::from_bytes(*epoch);
            self = self.bytes(format!("{EPOCH}{}", key.id().to_hex()), epoch);
        }
        self
    }

    pub(super) fn root(self, sealed: &[u8]) -> Self {
        self.bytes(ROOT.to_owned(), sealed)
    }

    pub(super) fn relay(self, address: &str) -> Self {
        self.text(RELAY, address)
    }

    pub(super) fn peer(self, name: &str) -> Self {
        self.text(PEER, name)
    }

    pub(super) fn made(self, at_ms: i64) -> Self {
        self.int(MADE.to_owned(), at_ms)
    }

    pub(super) fn ended(self, at_ms: i64) -> Self {
        self.int(ENDED.to_owned(), at_ms)
    }

    pub(super) fn consent(self, consent: &[u8]) -> Self {
        self.bytes(CONSENT.to_owned(), consent)
    }

    pub(super) fn out(self, member: &MemberId) -> Self {
        self.bytes(format!("{OUT}{}", member.to_hex()), member.as_bytes())
    }

    pub(super) fn tells_opened(self, tells: bool) -> Self {
        self.int(TELLS_OPENED.to_owned(), if tells { ON } else { OFF })
    }

    pub(super) fn choice(mut self, entry: &EntryId, choice: Choice) -> Self {
        let field = format!("{CHOICE}{entry}");
        match choice {
            Choice::Hidden => self.int(field, HIDDEN),
            Choice::Added => self.int(field, ADDED),
            Choice::Rule => {
                self.0.push((field, None));
                self
            }
        }
    }
}

impl Replica {
    /// Writes in the vault, durably; it goes to the person's other devices with the next sync.
    pub(super) fn write_book(
        &mut self,
        share: &SpaceId,
        entry: Entry,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        let (before, actor) = (self.plan.heads(), self.bytes16());
        let mut plan = self.plan.clone();
        plan.put_care(share, &entry.0, actor, now_ms)?;
        let mut tx = self.tx();
        tx.put_bytes(&meta(&self.vault, PLAN), &plan.save())?;
        self.mark_plan_pending(&mut tx, &before)?;
        tx.commit(&mut *self.rng)?;
        self.plan = plan;
        self.revision += 1;
        Ok(())
    }

    /// Keys of epochs that this device has and the vault has not: for the person's other devices.
    pub(super) fn book_epochs(
        &mut self,
        share: &super::Share,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        let known = share.book.epochs.len();
        if (share.keyring.to_bytes().len() / 32).saturating_sub(1) <= known {
            return Ok(());
        }
        self.write_book(&share.id, Entry::default().keyring(&share.keyring), now_ms)
    }
}
