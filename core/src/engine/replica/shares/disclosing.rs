//! What was disclosed in a share, day by day: for the person to look up later what went out, and for
//! the record that 42 CFR 2.31 and article 30 of the GDPR ask for. Counts and classes, never words.
//!
//! Each device writes what it sent itself, once the relay has signed for it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mainstay_protocol::codec;
use mainstay_protocol::ids::SpaceId;
use mainstay_protocol::roster::Act;
use minicbor::{Decode, Encode};

use super::register::Register;
use super::{Replica, Share};
use crate::care::{Class, Consent, SharedBody};
use crate::engine::error::EngineError;
use crate::engine::tx::Tx;
use crate::engine::vault::{Key, Table};
use crate::space::consent::open_consent;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// What this device sent in a share on one day (UTC), as far as the relay has signed for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Disclosure {
    /// When the day began: Unix milliseconds by this device's clock.
    #[n(0)]
    pub day_ms: i64,
    /// How many records of each class ([`Class::code`]) were shown: new, changed, or once more to a
    /// relay that had lost them.
    #[n(1)]
    pub shown: BTreeMap<String, u64>,
    /// Records that were taken back.
    #[n(2)]
    pub taken_back: u64,
    /// Comments and decisions.
    #[n(3)]
    pub said: u64,
    /// When every device of the other side had stated, by its signature, that it has all of it (Unix
    /// milliseconds, this device's clock).
    #[n(4)]
    pub delivered_ms: Option<i64>,
}

/// What was agreed to in a share, and what was disclosed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShareHistory {
    /// Every consent that the list of members holds and that this device can open, the oldest first.
    pub consents: Vec<Consent>,
    /// What this device sent, the oldest day first.
    pub disclosed: Vec<Disclosure>,
}

impl Replica {
    /// What was agreed to in a share, and what this device disclosed in it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub fn share_history(&mut self, id: &SpaceId) -> Result<ShareHistory, EngineError> {
        self.with_share(id, |journal, share| {
            let mut disclosed: Vec<Disclosure> = Vec::new();
            let all = journal.vault.key(Table::ShareLog, &[id.as_bytes()]);
            journal.tx().scan(&all, &mut |_, bytes| {
                disclosed.push(codec::decode(&bytes)?);
                Ok(ControlFlow::Continue(()))
            })?;
            disclosed.sort_by_key(|day| day.day_ms);
            Ok(ShareHistory { consents: share.consents(), disclosed })
        })
    }

    fn log_key(&self, share: &SpaceId, day_ms: i64) -> Key {
        self.vault.key(Table::ShareLog, &[share.as_bytes(), &day_ms.to_be_bytes()])
    }

    /// Counts a record that the relay has signed for.
    pub(super) fn note_disclosed(
        &self,
        tx: &mut Tx,
        share: &Share,
        register: &Register,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        if !share.owns() {
            return Ok(());
        }
        let Some(record) = register.record() else { return Ok(()) };
        let day_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
        let key = self.log_key(&share.id, day_ms);
        let mut day = tx.get::<Disclosure>(&key)?.unwrap_or_default();
        (day.day_ms, day.delivered_ms) = (day_ms, None);
        let class = match &record.body {
            SharedBody::Entry(entry) => Class::of_kind(&entry.kind),
            SharedBody::Plan(_) => Some(Class::Plan),
            SharedBody::Gone => {
                day.taken_back += 1;
                None
            }
            _ => {
                day.said += 1;
                None
            }
        };
        if let Some(class) = class {
            *day.shown.entry(class.code().to_owned()).or_default() += 1;
        }
        tx.put(&key, &day)
    }

    /// Notes when everything that was disclosed up to a day had arrived.
    pub(super) fn note_delivered(
        &self,
        tx: &mut Tx,
        share: &SpaceId,
        now_ms: i64,
    ) -> Result<(), EngineError> {
        let mut open: Vec<Disclosure> = Vec::new();
        tx.scan(&self.vault.key(Table::ShareLog, &[share.as_bytes()]), &mut |_, bytes| {
            let day: Disclosure = codec::decode(&bytes)?;
            open.extend(Some(day).filter(|day| day.delivered_ms.is_none()));
            Ok(ControlFlow::Continue(()))
        })?;
        for day in open {
            let key = self.log_key(share, day.day_ms);
            tx.put(&key, &Disclosure { delivered_ms: Some(now_ms), ..day })?;
        }
        Ok(())
    }
}

impl Share {
    /// Every consent of the list that this device can open.
    fn consents(&self) -> Vec<Consent> {
        let mut consents: Vec<Consent> = Vec::new();
        for (hash, _, record) in self.roster.records() {
            if !record.acts.iter().any(|act| matches!(act, Act::Consent { .. })) {
                continue;
            }
            let state = self.roster.state_at(hash);
            let sealed = state.and_then(|state| state.share.as_ref()?.consent.clone());
            let plain =
                sealed.and_then(|sealed| open_consent(&self.id, &self.keyring, &sealed).ok());
            let consent = plain.and_then(|plain| Consent::from_bytes(&plain).ok());
            let Some(consent) = consent else { continue };
            // Sealed anew for a newcomer, and with the key that was compared, it is the same one.
            let same = |last: &mut Consent| {
                let what = |one: &Consent| (one.granted_at_ms, one.scope.to_string());
                last.event == consent.event && what(last) == what(&consent)
            };
            consents.pop_if(same);
            consents.push(consent);
        }
        consents
    }
}
