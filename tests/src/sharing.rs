//! A whole sync of a phone that shares, or of a counsellor's device: the journal, then each share.

use mainstay_core::care::{Consent, Recipient, Scope, SharedRecord, Verified};
use mainstay_core::engine::{EngineError, Errand, Glance, Handshake, Offer, ShareStage};
use mainstay_core::space::link::Invitation;
use mainstay_core::space::phrase::Phrase;
use mainstay_core::sync::Connection as Link;
use mainstay_protocol::frame::{ItemBody, Reply, Request};
use mainstay_protocol::ids::SpaceId;
use mainstay_sync_server::relay::Connection;

use crate::network::{Line, Turn};
use crate::world::{EXPORTER, Phone, World};

/// Batches of one share's sync, above which it is taken for one that never ends.
const MAX_TURNS: u32 = 500;

/// What the shares of one sync cost, and which of them failed.
#[derive(Debug, Default)]
pub struct Shared {
    /// Shares for which one question to the relay was enough.
    pub quiet: usize,
    /// Batches of the others.
    pub turns: u32,
    /// Envelopes that were pushed.
    pub pushed: usize,
    /// Shares that failed.
    pub failed: Vec<(SpaceId, EngineError)>,
    /// The line broke before the last of them was done.
    pub cut: bool,
    /// Envelopes of shares that came, whole.
    pub came: Vec<(SpaceId, Vec<u8>)>,
}

impl Shared {
    fn note(&mut self, share: SpaceId, reply: &Reply) {
        let Reply::Items { items, .. } = reply else { return };
        for item in items {
            if let ItemBody::Whole(bytes) = &item.body {
                self.came.push((share, bytes.to_vec()));
            }
        }
    }
}

/// A consent of a test: this scope, to this name, from now on.
///
/// # Panics
/// If the scope is none.
pub fn consent(to: &str, scope: &str, now_ms: i64) -> Consent {
    let recipient = Recipient {
        name: to.to_owned(),
        organisation: String::new(),
        role: "counsellor".to_owned(),
        key_fingerprint: [0; 32],
        verified: Verified::Remotely,
    };
    let scope: Scope = scope.parse().expect("a scope that is understood");
    Consent::given(recipient, scope, "to talk about it", now_ms)
}

impl World {
    /// One sync of everything that a device has.
    ///
    /// # Errors
    /// What the journal's own sync ended with.
    pub fn sync_all(&mut self, phone: &mut Phone) -> Result<Shared, EngineError> {
        self.sync(phone)?;
        if phone.replica.renew_keys(self.now_ms)? {
            self.sync(phone)?;
        }
        let shared = self.sync_shares(phone, &mut Line::default())?;
        if phone.replica.keys_wait()? {
            self.sync(phone)?;
        }
        Ok(shared)
    }

    /// One share's sync and nothing else, as a changed app could do it.
    ///
    /// # Errors
    /// What it ended with.
    pub fn sync_share_alone(
        &mut self,
        phone: &mut Phone,
        share: SpaceId,
    ) -> Result<Shared, EngineError> {
        let mut shared = Shared::default();
        self.sync_share(phone, share, &mut Line::default(), &mut shared)?;
        Ok(shared)
    }

    /// The shares' part of a sync, over a line that may break.
    ///
    /// # Errors
    /// What the device's store says.
    pub fn sync_shares(
        &mut self,
        phone: &mut Phone,
        line: &mut Line,
    ) -> Result<Shared, EngineError> {
        let mut shared = Shared::default();
        for (share, _) in phone.replica.live_shares(self.now_ms)? {
            match self.sync_share(phone, share, line, &mut shared) {
                Ok(Turn::Cut) => {
                    shared.cut = true;
                    break;
                }
                Ok(_) => {}
                Err(error) => shared.failed.push((share, error)),
            }
        }
        Ok(shared)
    }

    fn sync_share(
        &mut self,
        phone: &mut Phone,
        share: SpaceId,
        line: &mut Line,
        shared: &mut Shared,
    ) -> Result<Turn, EngineError> {
        let relay = self.relay.keys().relay();
        let mut connection = Connection::new(Box::new(|_| EXPORTER));
        let glance = phone.replica.glance(&share, EXPORTER, &relay, self.now_ms)?;
        if let (_, Glance::Ask(request)) = glance {
            let Some(mut replies) = line.carry(self, &mut connection, request) else {
                self.strand(connection, line);
                return Ok(Turn::Cut);
            };
            let reply = replies.pop().filter(|reply| matches!(reply, Reply::Attached(_)));
            if phone.replica.glanced(vec![(share, reply)], self.now_ms)?.is_empty() {
                shared.quiet += 1;
                return Ok(Turn::Done);
            }
        }
        let mut errand = Errand::new(share, Link { relay, exporter: Some(EXPORTER) });
        for _ in 0..MAX_TURNS {
            let Some(batch) = errand.next(&mut phone.replica, self.now_ms)? else {
                return Ok(Turn::Done);
            };
            shared.turns += 1;
            let mut batch = batch.into_iter();
            'batch: while let Some(request) = batch.next() {
                if let Request::Push { envelopes, .. } = &request {
                    shared.pushed += envelopes.len();
                }
                let Some(replies) = line.carry(self, &mut connection, request) else {
                    line.undelivered.extend(batch.filter(|_| line.late));
                    self.strand(connection, line);
                    return Ok(Turn::Cut);
                };
                for reply in replies {
                    shared.note(share, &reply);
                    let refused = matches!(reply, Reply::Refused(_));
                    errand.reply(&mut phone.replica, reply, self.now_ms)?;
                    if refused {
                        break 'batch;
                    }
                }
            }
        }
        Err(EngineError::BadReply { what: "a share's sync without end" })
    }

    /// A counsellor's first device, with a vault of its own.
    pub fn counsellor(&mut self) -> (Phrase, Phone) {
        let phrase = Phrase::make(&mut self.rng);
        let phone = self.phone(&phrase);
        (phrase, phone)
    }

    /// Shares a journal with a counsellor, up to the point where both are in: invitation, answer, the
    /// codes compared, the person's word.
    ///
    /// # Errors
    /// What either side ended with.
    ///
    /// # Panics
    /// If the two codes are not the same.
    pub fn share(
        &mut self,
        phone: &mut Phone,
        counsellor: &mut Phone,
        consent: Consent,
    ) -> Result<SpaceId, EngineError> {
        let (share, text) = self.invite(phone, consent)?;
        self.answer(counsellor, &text)?;
        self.sync_all(counsellor)?;
        self.sync_all(phone)?;
        self.sync_all(counsellor)?;
        let codes = [code(phone, &share, self.now_ms)?, code(counsellor, &share, self.now_ms)?];
        assert!(codes[0].is_some() && codes[0] == codes[1], "{codes:?}");
        phone.replica.confirm_share(&share, self.now_ms)?;
        self.sync_all(phone)?;
        self.sync_all(counsellor)?;
        Ok(share)
    }

    /// Invites a counsellor.
    ///
    /// # Errors
    /// What the phone says.
    pub fn invite(
        &mut self,
        phone: &mut Phone,
        consent: Consent,
    ) -> Result<(SpaceId, String), EngineError> {
        let offer = Offer {
            name: "the person".to_owned(),
            peer: "the counsellor".to_owned(),
            consent,
            life_ms: 7 * 24 * 3600 * 1000,
        };
        let (share, invitation) = phone.replica.open_share(&offer, self.now_ms)?;
        self.sync_all(phone)?;
        Ok((share, invitation.to_text().to_string()))
    }

    /// A counsellor answers an invitation; it goes out with their next sync.
    ///
    /// # Errors
    /// What the invitation says.
    pub fn answer(&mut self, counsellor: &mut Phone, text: &str) -> Result<SpaceId, EngineError> {
        let invitation = Invitation::parse_share(text)?;
        let names = ("the counsellor", "the person");
        counsellor.replica.answer_invitation(invitation, names, self.now_ms)
    }
}

/// The code that a device shows for an open invitation.
///
/// # Errors
/// What the store says.
pub fn code(
    phone: &mut Phone,
    share: &SpaceId,
    now_ms: i64,
) -> Result<Option<String>, EngineError> {
    let infos = phone.replica.shares(now_ms)?;
    let info = infos.into_iter().find(|info| info.id == *share);
    Ok(info.and_then(|info| match info.state {
        ShareStage::Invited(Handshake::Compare(code)) => Some(code.to_string()),
        _ => None,
    }))
}

/// What the other side of a share shows of the journal: entries and plan, each record's counter set to
/// zero, sorted.
///
/// # Errors
/// What the share says.
pub fn seen(
    phone: &mut Phone,
    share: &SpaceId,
    now_ms: i64,
) -> Result<Vec<SharedRecord>, EngineError> {
    use mainstay_core::care::SharedBody;
    let heard = phone.replica.heard(share, now_ms)?;
    let mut records: Vec<SharedRecord> = heard
        .into_iter()
        .map(|heard| SharedRecord { counter: 0, ..heard.record })
        .filter(|record| matches!(record.body, SharedBody::Entry(_)))
        .collect();
    records.sort_by_key(|record| record.id);
    Ok(records)
}

/// What the preview shows of the entries, sorted alike.
///
/// # Errors
/// What the share says.
pub fn previewed(
    phone: &mut Phone,
    share: &SpaceId,
    now_ms: i64,
) -> Result<Vec<SharedRecord>, EngineError> {
    let (mut records, _) = phone.replica.preview(share, now_ms)?;
    records.sort_by_key(|record| record.id);
    Ok(records)
}
