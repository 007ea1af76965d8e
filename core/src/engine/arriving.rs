//! A device arrives: from the recovery phrase, or linked by a device at hand.

use std::time::Duration;

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::frame::{Attach, Proof, Refusal, Reply, Request, Signer};
use mainstay_protocol::hash::Hash;
use mainstay_protocol::ids::{MailboxId, SpaceId};
use mainstay_protocol::limits::MAX_ROSTER_RECORDS;
use mainstay_protocol::mailbox::Letter;
use mainstay_protocol::roster::{Roster, Wrap, record_hash};
use mainstay_protocol::sign::{Signed, purpose};
use mainstay_protocol::statement::{Claim, Cursor, Statement};

use super::anchor::Anchor;
use super::config::{Config, now_ms, system_rng};
use super::error::EngineError;
use super::handle::Engine;
use super::replica::{Job, Replica};
use super::syncing::in_time;
use crate::space::change::{Change, Newcomer};
use crate::space::device::DeviceKeys;
use crate::space::keyring::Keyring;
use crate::space::link::{
    ANSWER_PLACE, Code, Invitation, Inviter, Joiner, LinkError, Place, REVEAL_PLACE, VERDICT_PLACE,
};
use crate::space::phrase::Phrase;
use crate::space::recovery::Recovery;
use crate::space::sign::AuthorKey;
use crate::sync::Local;
use crate::transport::Wire;

/// How often a mailbox is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A space as the relay shows it to somebody who has nothing of it yet.
pub(super) struct Shown {
    pub(super) roster: Roster,
    pub(super) keyring: Keyring,
    cursor: Cursor,
    wraps: Vec<Wrap>,
}

impl Engine {
    /// Takes a journal back on a new device, with nothing but its twelve words. Returns as soon as
    /// the device is one of the journal's; [`Engine::sync`] then brings the plan and the newest
    /// chapters first. Every other device is left waiting until the person confirms or removes it,
    /// also those that had been removed before ([`super::DeviceInfo::was_removed`]): a thief may have done
    /// that.
    ///
    /// # Errors
    /// [`EngineError::NothingToRestore`] when the relay knows no journal of this phrase;
    /// [`EngineError::Offline`], [`EngineError::WrongRelay`]; [`EngineError::AlreadyThere`].
    pub async fn restore(
        config: Config,
        phrase: &Phrase,
        relay: &RelayAddress,
    ) -> Result<Self, EngineError> {
        let engine = Self::new(config)?;
        engine.check_empty().await?;
        let recovery = Recovery::derive(phrase);
        let wire = Wire::connect(relay).await?;
        let shown = show(
            &wire,
            (recovery.space_id(), Signer::Recovery),
            recovery.signing(),
            recovery.kem(),
        );
        let mut shown = match shown.await {
            Err(EngineError::Refused(Refusal::UnknownSpace)) => {
                return Err(EngineError::NothingToRestore);
            }
            other => other?,
        };
        let keys = engine.config.secret(true)?.keys(shown.roster.space(), 0);
        let newcomer = Newcomer::own(&keys, &engine.config.device_name);
        let change = Replica::draft_recovery(
            &mut *system_rng(),
            (&shown.roster, &shown.keyring),
            &recovery,
            &newcomer,
        )?;
        append(&wire, &mut shown.roster, &change).await?;
        if let Some(epoch) = change.epoch {
            shown.keyring.add(epoch);
        }
        engine.settle(shown, relay.clone(), wire, 0).await?;
        Ok(engine)
    }

    /// Joins a journal whose other device shows an invitation. `show_code` is called with the code
    /// to compare; the person confirms on the other device.
    ///
    /// # Errors
    /// [`EngineError::Link`] for an invitation that is altered, used, expired or declined;
    /// [`EngineError::Offline`]; [`EngineError::AlreadyThere`].
    pub async fn join(
        config: Config,
        invitation: &str,
        show_code: impl FnOnce(&Code) + Send,
    ) -> Result<Self, EngineError> {
        let invitation = Invitation::parse(invitation)?;
        let (relay, space) = (invitation.relay().clone(), *invitation.space());
        let engine = Self::new(config)?;
        engine.check_empty().await?;
        let keys = engine.config.secret(true)?.keys(&space, 0);
        let name = engine.config.device_name.clone();
        let (wire, shown) = knock(&relay, invitation, (&keys, &name), show_code).await?;
        engine.settle(shown, relay, wire, 0).await?;
        Ok(engine)
    }

    /// Lets this device in again, after it was removed or its list of devices went another way than
    /// that of the device that shows the invitation. It keeps everything, takes a new key, and the
    /// next [`Engine::sync`] sends what the others lack. `show_code` is called with the code to
    /// compare; the person confirms on the other device.
    ///
    /// # Errors
    /// [`EngineError::OtherJournal`] for an invitation of another journal;
    /// [`EngineError::Link`] for one that is altered, used, expired or declined;
    /// [`EngineError::Offline`].
    pub async fn rejoin(
        &self,
        invitation: &str,
        show_code: impl FnOnce(&Code) + Send,
    ) -> Result<(), EngineError> {
        let invitation = Invitation::parse(invitation)?;
        let (relay, space) = (invitation.relay().clone(), *invitation.space());
        let (own, keys, name) = self
            .worker
            .call(|replica| {
                // The name that it was let in under before, whatever it is opened with now.
                let name = replica.as_newcomer().name;
                Ok((replica.space(), replica.next_keys(), name))
            })
            .await?;
        if own != space {
            return Err(EngineError::OtherJournal);
        }
        let (wire, shown) = knock(&relay, invitation, (&keys, &name), show_code).await?;
        wire.close().await;
        self.disconnect().await;
        let config = self.config.clone();
        self.worker
            .call(move |replica| {
                replica.readmitted(shown.roster, &shown.wraps)?;
                replica.set_relay(&relay)?;
                Anchor::of(replica).keep(&config)
            })
            .await
    }

    /// Invites another device of the same person. Show the invitation's text (as a link or a QR
    /// code), then wait for the device with [`LinkOffer::answered`].
    ///
    /// # Errors
    /// [`EngineError::NoRelay`], [`EngineError::Offline`]; [`EngineError::Link`] for a life over 7
    /// days.
    pub async fn invite_device(&self, life: Duration) -> Result<LinkOffer, EngineError> {
        self.sync().await?;
        let relay = self.relay().await?.ok_or(EngineError::NoRelay)?;
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let inviter = self.worker.call(move |replica| {
            let place = Place { relay, space: replica.space() };
            let author = replica.author_key();
            Ok(Inviter::start(&mut *system_rng(), unsigned_now(), life_ms, place, &author)?)
        });
        let inviter = inviter.await?;
        let space = *inviter.invitation().space();
        let open = Request::OpenMailbox { space, mailbox: inviter.invitation().mailbox(), life_ms };
        self.attached(open).await?;
        Ok(LinkOffer { engine: self.clone(), inviter })
    }

    /// This device's store is gone and its key is not: it comes back under that key, fetches
    /// everything from the relay and takes a new author key, because it cannot know what it had
    /// sent under the old one.
    pub(super) async fn refill(&self) -> Result<(), EngineError> {
        let config = self.config.clone();
        let anchor = self.worker.with(move |_| Anchor::load(&config)).await?;
        let anchor = anchor.ok_or(EngineError::NothingHere)?;
        let relay = anchor.relay.as_ref().and_then(|relay| relay.parse::<RelayAddress>().ok());
        let relay = relay.ok_or(EngineError::NothingHere)?;
        let keys = self.config.secret(false)?.keys(&anchor.space, anchor.generation);
        let wire = Wire::connect(&relay).await?;
        let signer = Signer::Device(keys.author.author_id());
        let shown = show(&wire, (anchor.space, signer), &keys.author, &keys.kem).await?;
        self.settle(shown, relay, wire, anchor.generation).await?;
        self.worker
            .call(|replica| {
                replica.ask(Job::Rekey);
                Ok(())
            })
            .await
    }

    /// One request on the kept connection, attached if need be.
    async fn attached(&self, request: Request) -> Result<Reply, EngineError> {
        let held = self.wire.lock().await;
        let wire = held.as_ref().ok_or(EngineError::NoRelay)?;
        let (space, author) =
            self.worker.call(|replica| Ok((replica.space(), replica.author_key()))).await?;
        let attach = attach(wire, (space, Signer::Device(author.author_id())), &author)?;
        let mut replies = ask(wire, &[attach, request]).await?;
        replies.pop().ok_or(EngineError::BadReply { what: "no answer" })
    }

    async fn check_empty(&self) -> Result<(), EngineError> {
        match self.resume().await {
            Err(EngineError::NothingHere) => Ok(()),
            Ok(()) => Err(EngineError::AlreadyThere),
            Err(error) => Err(error),
        }
    }

    /// Makes the replica of a device that is on the list now.
    async fn settle(
        &self,
        shown: Shown,
        relay: RelayAddress,
        wire: Wire,
        generation: u32,
    ) -> Result<(), EngineError> {
        let config = self.config.clone();
        let Shown { roster, keyring, cursor, .. } = shown;
        self.worker
            .with(move |slot| {
                let (setup, _) = config.setup(true)?;
                let keys = (roster, keyring);
                let name = &config.device_name;
                let mut replica = Replica::join_as(setup, keys, name, generation)?;
                replica.set_relay(&relay)?;
                replica.begin_restore(cursor)?;
                Anchor::of(&replica).keep(&config)?;
                *slot = Some(replica);
                Ok(())
            })
            .await?;
        *self.wire.lock().await = Some(wire);
        Ok(())
    }
}

/// An invitation that is open.
pub struct LinkOffer {
    engine: Engine,
    inviter: Inviter,
}

impl LinkOffer {
    /// What the other device is given: whoever has it can answer in the other's place, which the
    /// code then shows.
    pub fn text(&self) -> String {
        self.inviter.invitation().to_text().to_string()
    }

    /// Waits until a device has answered; gives its name and the code to compare.
    ///
    /// # Errors
    /// [`EngineError::Link`] when the invitation expires first or was tampered with;
    /// [`EngineError::Offline`].
    pub async fn answered(&mut self) -> Result<(String, Code), EngineError> {
        let mailbox = self.inviter.invitation().mailbox();
        let expires_ms = self.inviter.invitation().expires_ms();
        let wire = self.wire().await?;
        let answer = look(&wire, mailbox, ANSWER_PLACE, expires_ms).await?;
        let reveal = self.inviter.answered(&mut *system_rng(), unsigned_now(), &answer)?;
        put(&wire, mailbox, REVEAL_PLACE, reveal).await?;
        wire.close().await;
        let (newcomer, code) = self.inviter.code().ok_or(LinkError::OutOfOrder)?;
        Ok((newcomer.name.clone(), code))
    }

    /// The person has seen the same code on both screens: lets the device in.
    ///
    /// # Errors
    /// [`EngineError::Link`] when it is too late; what [`Engine::sync`] says.
    pub async fn confirm(mut self) -> Result<(), EngineError> {
        let newcomer = self.inviter.confirm(unsigned_now())?;
        self.engine.ask(Job::Admit(newcomer)).await?;
        let head = self.engine.worker.call(|replica| Ok(replica.roster_head())).await?;
        let verdict = self.inviter.admitted(&mut *system_rng(), head)?;
        self.say(verdict).await
    }

    /// The codes differ, or the person has changed their mind: nobody is let in.
    ///
    /// # Errors
    /// [`EngineError::Offline`]. Nobody is let in all the same.
    pub async fn decline(mut self) -> Result<(), EngineError> {
        match self.inviter.decline(&mut *system_rng()) {
            Some(verdict) => self.say(verdict).await,
            None => Ok(()),
        }
    }

    async fn say(&self, verdict: Letter) -> Result<(), EngineError> {
        let wire = self.wire().await?;
        put(&wire, self.inviter.invitation().mailbox(), VERDICT_PLACE, verdict).await?;
        wire.close().await;
        Ok(())
    }

    async fn wire(&self) -> Result<Wire, EngineError> {
        Ok(Wire::connect(self.inviter.invitation().relay()).await?)
    }
}

/// The newcomer's half of the handshake, up to the list of devices that it is on.
async fn knock(
    relay: &RelayAddress,
    invitation: Invitation,
    (keys, name): (&DeviceKeys, &str),
    show_code: impl FnOnce(&Code) + Send,
) -> Result<(Wire, Shown), EngineError> {
    let space = *invitation.space();
    let (mailbox, expires_ms) = (invitation.mailbox(), invitation.expires_ms());
    let (mut joiner, answer) =
        Joiner::start(&mut *system_rng(), unsigned_now(), invitation, keys, name)?;
    let wire = Wire::connect(relay).await?;
    match put(&wire, mailbox, ANSWER_PLACE, answer).await {
        Err(EngineError::Refused(Refusal::Mailbox)) => return Err(LinkError::Used.into()),
        other => other?,
    }
    let reveal = look(&wire, mailbox, REVEAL_PLACE, expires_ms).await?;
    show_code(&joiner.revealed(unsigned_now(), &reveal)?);
    let verdict = look(&wire, mailbox, VERDICT_PLACE, expires_ms).await?;
    let head = joiner.verdict(&verdict)?;
    let signer = Signer::Device(keys.author.author_id());
    let shown = show(&wire, (space, signer), &keys.author, &keys.kem).await?;
    check_joined(&shown.roster, &head, keys, &joiner)?;
    Ok((wire, shown))
}

fn unsigned_now() -> u64 {
    u64::try_from(now_ms()).unwrap_or(0)
}

fn unexpected(reply: Option<Reply>) -> EngineError {
    match reply {
        Some(Reply::Refused(refusal)) => refusal.into(),
        _ => EngineError::BadReply { what: "an answer to another question" },
    }
}

/// Sends a batch and collects its answers; a refusal is an error.
async fn ask(wire: &Wire, batch: &[Request]) -> Result<Vec<Reply>, EngineError> {
    in_time(None, async {
        let mut exchange = wire.exchange(batch).await?;
        let mut replies = Vec::new();
        while let Some(reply) = exchange.next().await? {
            if let Reply::Refused(refusal) = reply {
                return Err(refusal.into());
            }
            replies.push(reply);
        }
        match replies.len() >= batch.len() {
            true => Ok(replies),
            false => Err(EngineError::BadReply { what: "answers are missing" }),
        }
    })
    .await
}

pub(super) fn attach(
    wire: &Wire,
    (space, signer): (SpaceId, Signer),
    key: &AuthorKey,
) -> Result<Request, EngineError> {
    let proof = Proof { exporter: wire.exporter(&space)?, relay: wire.relay(), space, signer };
    let signature = Some(key.sign_for(purpose::ATTACH, &proof.message()));
    Ok(Request::Attach(Attach { space, signer, signature, cursor: None }))
}

/// What the relay shows of a space to one of its signers, in one round trip.
pub(super) async fn show(
    wire: &Wire,
    (space, signer): (SpaceId, Signer),
    key: &AuthorKey,
    kem: &crate::space::kem::KemSecret,
) -> Result<Shown, EngineError> {
    let batch = [
        attach(wire, (space, signer), key)?,
        Request::Roster { space, known: None },
        Request::Wraps { space },
    ];
    let replies = ask(wire, &batch).await?;
    let [Reply::Attached(attached), Reply::Roster { records }, Reply::Wraps { wraps }] =
        &replies[..]
    else {
        return Err(EngineError::BadReply { what: "an answer to another question" });
    };
    let mut records = records.clone();
    // A long list comes in several answers.
    while let Some(last) = records.last().map(record_hash).filter(|last| *last != attached.roster) {
        let more = ask(wire, &[Request::Roster { space, known: Some(last) }]).await?;
        match more.into_iter().next() {
            Some(Reply::Roster { records: more })
                if !more.is_empty() && records.len() < MAX_ROSTER_RECORDS =>
            {
                records.extend(more);
            }
            _ => break,
        }
    }
    let roster = Roster::verify(space, &records)?;
    let wraps: &[Wrap] = wraps;
    let keyring = Keyring::open(&roster, wraps, signer, kem)?;
    Ok(Shown { roster, keyring, cursor: attached.cursor, wraps: wraps.to_vec() })
}

/// Appends a change to a roster on the relay, and here.
pub(super) async fn append(
    wire: &Wire,
    roster: &mut Roster,
    change: &Change,
) -> Result<(), EngineError> {
    let request = Request::Append {
        space: *roster.space(),
        expected: roster.head(),
        record: change.record.clone(),
        wraps: change.wraps.clone(),
    };
    roster.append(&change.record)?;
    match ask(wire, &[request]).await?.pop() {
        Some(Reply::Appended { statement }) => appended(wire, roster, &statement),
        other => Err(unexpected(other)),
    }
}

/// Whether the relay signed for the roster's new head.
fn appended(
    wire: &Wire,
    roster: &Roster,
    statement: &Signed<Statement>,
) -> Result<(), EngineError> {
    let stated = statement.verify(&wire.relay()).ok();
    let right = stated.is_some_and(|stated| {
        stated.space == *roster.space() && stated.claim == Claim::Roster(roster.head())
    });
    match right {
        true => Ok(()),
        false => Err(EngineError::BadReply { what: "a statement about something else" }),
    }
}

/// The roster that a joiner is shown must hold what the inviter said: its record, both devices.
fn check_joined(
    roster: &Roster,
    head: &Hash,
    keys: &DeviceKeys,
    joiner: &Joiner,
) -> Result<(), EngineError> {
    let inviter = joiner.inviter().map(|key| key.author_id());
    let fits = roster.state_at(head).is_some_and(|state| {
        state.is_active(&keys.author.author_id())
            && inviter.is_some_and(|author| state.is_active(&author))
    });
    match fits {
        true => Ok(()),
        false => Err(LinkError::Altered.into()),
    }
}

async fn put(
    wire: &Wire,
    mailbox: MailboxId,
    place: u32,
    letter: Letter,
) -> Result<(), EngineError> {
    ask(wire, &[Request::PutLetter { mailbox, place, letter }]).await.map(|_| ())
}

/// Waits for the letter at a place.
async fn look(
    wire: &Wire,
    mailbox: MailboxId,
    place: u32,
    expires_ms: u64,
) -> Result<Letter, EngineError> {
    while unsigned_now() <= expires_ms {
        let replies = ask(wire, &[Request::Letters { mailbox, after: place }]).await?;
        let Some(Reply::Letters { letters }) = replies.into_iter().next() else {
            return Err(EngineError::BadReply { what: "an answer to another question" });
        };
        if let Some(letter) = letters.into_iter().next() {
            return Ok(letter);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(LinkError::Expired.into())
}
