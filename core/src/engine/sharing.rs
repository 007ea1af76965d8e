//! Sharing over a real connection: every share of a person, or of a counsellor's clients, on one.

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::ids::{MemberId, SpaceId};
use tokio::time::Instant;

use super::config::now_ms;
use super::error::EngineError;
use super::glancing::{PAUSES, Told, by_relay, is_same_relay, pause_of, rest};
use super::handle::Engine;
use super::replica::{Errand, Heard, Offer, ShareHistory, ShareInfo, SharedPlanView};
use super::syncing::{SyncReport, in_time};
use crate::care::{Choice, Consent, RecordId, SharedBody, SharedPlan, SharedRecord};
use crate::journal::EntryId;
use crate::space::link::Invitation;
use crate::sync::Connection;
use crate::transport::Wire;

impl Engine {
    /// Makes a share with nobody in it yet, and an invitation to it: a text for a link or a QR code.
    /// Nothing leaves this device before somebody has answered, both screens showed the same code,
    /// and the person has said so ([`Engine::share_confirm`]).
    ///
    /// # Errors
    /// [`EngineError::NoRelay`]; [`EngineError::Link`] for a life over 7 days; what
    /// [`Engine::sync`] says, and the invitation is there all the same ([`Engine::shares`]).
    pub async fn share_invite(&self, offer: Offer) -> Result<(SpaceId, String), EngineError> {
        let made = self.worker.call(move |replica| replica.open_share(&offer, now_ms()));
        let (share, invitation) = made.await?;
        Ok((share, invitation.to_text().to_string()))
    }

    /// Another invitation to a share, where the last one was lost, expired or declined.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`], [`EngineError::Link`].
    pub async fn share_invite_again(
        &self,
        share: SpaceId,
        life: std::time::Duration,
    ) -> Result<String, EngineError> {
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let made = self.worker.call(move |replica| replica.invite_again(&share, life_ms, now_ms()));
        Ok(made.await?.to_text().to_string())
    }

    /// Told an invitation as a counsellor. `name` is what the person will see; `peer` is what the
    /// counsellor calls the person. The next syncs of both sides bring a code to compare
    /// ([`Engine::shares`]), and then the share.
    ///
    /// # Errors
    /// [`EngineError::Link`] for a text that is no invitation to a share, is altered, expired, or was
    /// answered here before.
    pub async fn share_join(
        &self,
        invitation: &str,
        name: &str,
        peer: &str,
    ) -> Result<SpaceId, EngineError> {
        let invitation = Invitation::parse_share(invitation)?;
        if self.relay().await?.is_none() {
            self.set_relay(invitation.relay().clone()).await?;
        }
        let (name, peer) = (name.to_owned(), peer.to_owned());
        self.worker
            .call(move |replica| replica.answer_invitation(invitation, (&name, &peer), now_ms()))
            .await
    }

    /// The person has seen the same code on both screens: the next sync lets the other side in.
    ///
    /// # Errors
    /// [`EngineError::NoInvitation`], [`EngineError::Link`].
    pub async fn share_confirm(&self, share: SpaceId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.confirm_share(&share, now_ms())).await
    }

    /// The codes differ, or the person has changed their mind: nobody is let in.
    ///
    /// # Errors
    /// [`EngineError::NoInvitation`].
    pub async fn share_decline(&self, share: SpaceId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.decline_share(&share)).await
    }

    /// The shares of this person and of their clients, and invitations that they answered.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn shares(&self) -> Result<Vec<ShareInfo>, EngineError> {
        self.worker.call(|replica| replica.shares(now_ms())).await
    }

    /// Exactly what the other side sees, by the function that makes what is pushed.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_preview(
        &self,
        share: SpaceId,
    ) -> Result<(Vec<SharedRecord>, Option<SharedPlan>), EngineError> {
        self.worker.call(move |replica| replica.preview(&share, now_ms())).await
    }

    /// What the person agrees to in a share.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_consent(&self, share: SpaceId) -> Result<Option<Consent>, EngineError> {
        self.worker.call(move |replica| replica.consent_of(&share)).await
    }

    /// Changes what the person agrees to: narrower or wider. It is in the preview at once and reaches
    /// the other side with the next sync.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub async fn share_set_consent(
        &self,
        share: SpaceId,
        consent: Consent,
    ) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.set_consent(&share, &consent, now_ms())).await
    }

    /// Shares or hides one entry, whatever the consent says of its kind.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub async fn share_choose(
        &self,
        share: SpaceId,
        entry: EntryId,
        choice: Choice,
    ) -> Result<(), EngineError> {
        self.worker
            .call(move |replica| {
                replica.row_of(&entry)?;
                replica.choose(&share, &entry, choice, now_ms())
            })
            .await
    }

    /// Ends a share: with the next sync nobody else can read on, and the relay drops what was shared.
    /// What was read cannot be unread. A counsellor leaves by it.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_end(&self, share: SpaceId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.end_share(&share, now_ms())).await
    }

    /// Takes one member out of a share; the others read on.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`].
    pub async fn share_take_out(
        &self,
        share: SpaceId,
        member: MemberId,
    ) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.take_out(&share, &member, now_ms())).await
    }

    /// What stands in a share: entries and plan as they were shared, and what either side said.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareExpired`].
    pub async fn share_records(&self, share: SpaceId) -> Result<Vec<Heard>, EngineError> {
        self.worker.call(move |replica| replica.heard(&share, now_ms())).await
    }

    /// Says something in a share: a comment, a proposal, a decision about one. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`], [`EngineError::NotYours`],
    /// [`EngineError::Record`].
    pub async fn share_say(
        &self,
        share: SpaceId,
        body: SharedBody,
    ) -> Result<RecordId, EngineError> {
        self.worker.call(move |replica| replica.say_in(&share, body, now_ms())).await
    }

    /// The plan of a share, as this person sees it: their own, or a client's with their own changes in
    /// it. `None` where it is not shared.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareExpired`].
    pub async fn share_plan(&self, share: SpaceId) -> Result<Option<SharedPlanView>, EngineError> {
        self.worker.call(move |replica| replica.shared_plan(&share, now_ms())).await
    }

    /// Changes a client's plan, where their consent lets this counsellor (`plan:edit`). It is in
    /// [`Engine::share_plan`] at once, goes out with the next sync, and is in the client's own plan once
    /// their phone has synced; what they changed meanwhile is kept, and the losing value is offered to
    /// them. Durable on return.
    ///
    /// # Errors
    /// [`EngineError::NotYours`] where the consent does not say so, or for one's own plan;
    /// [`EngineError::Plan`] when the plan does not take the change; [`EngineError::EditsWait`] when
    /// too many wait; [`EngineError::NoSuchShare`], [`EngineError::ShareOver`],
    /// [`EngineError::ShareExpired`].
    pub async fn share_edit_plan(
        &self,
        share: SpaceId,
        edit: crate::plan::PlanEdit,
    ) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.edit_shared_plan(&share, &edit, now_ms())).await
    }

    /// Switches on or off that this counsellor tells a client when they opened what is shared; nothing is
    /// told unless the client asks for it too ([`Consent::asks_opened`]). What was told is taken back
    /// when it is switched off.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`], [`EngineError::ShareOver`]; [`EngineError::NotYours`] for one's own
    /// journal.
    pub async fn share_tell_opened(&self, share: SpaceId, tells: bool) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.tell_opened(&share, tells, now_ms())).await
    }

    /// To be called when a counsellor opens what a client shares. Tells the client with the next sync,
    /// to the hour, if both sides have switched it on; says whether it does.
    ///
    /// # Errors
    /// As [`Engine::share_tell_opened`].
    pub async fn share_opened(&self, share: SpaceId) -> Result<bool, EngineError> {
        self.worker.call(move |replica| replica.note_opened(&share, now_ms())).await
    }

    /// What was agreed to in a share, consent by consent, and what this device disclosed in it, day by
    /// day. Counts and classes; a device that was restored begins its own record anew.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_history(&self, share: SpaceId) -> Result<ShareHistory, EngineError> {
        self.worker.call(move |replica| replica.share_history(&share)).await
    }

    /// The record that an entry is in a share.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_record_of(
        &self,
        share: SpaceId,
        entry: EntryId,
    ) -> Result<RecordId, EngineError> {
        self.worker.call(move |replica| replica.record_of(&share, &entry)).await
    }

    /// The entry that a record of this person's share stands for: what a comment is about.
    ///
    /// # Errors
    /// [`EngineError::NoSuchShare`].
    pub async fn share_entry_of(
        &self,
        share: SpaceId,
        record: RecordId,
    ) -> Result<Option<EntryId>, EngineError> {
        self.worker.call(move |replica| replica.entry_of(&share, &record)).await
    }

    /// Every share and open invitation, those of this relay on its connection. A share that fails
    /// does not keep the others back; the connection's failure does.
    pub(super) async fn sync_shares(
        &self,
        wire: &Wire,
        (own, mut told): (&RelayAddress, Told),
        deadline: Option<Instant>,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let live = self.worker.call(|replica| replica.live_shares(now_ms())).await?;
        for (address, shares) in by_relay(live) {
            if is_same_relay(&address, own) {
                let told = std::mem::take(&mut told);
                self.sync_on(wire, (shares, told), deadline, report).await?;
                continue;
            }
            let connecting = async { Ok(Wire::connect(&address).await?) };
            match in_time(deadline, connecting).await {
                Ok(other) => {
                    let first = shares[0];
                    let asked = (shares, Told::default());
                    let done = self.sync_on(&other, asked, deadline, report).await;
                    other.close().await;
                    match done {
                        Err(EngineError::OutOfTime) => return done,
                        Err(error) => report.failed(first, error),
                        Ok(()) => {}
                    }
                }
                Err(EngineError::OutOfTime) => return Err(EngineError::OutOfTime),
                // Another relay than the journal's; it is tried again next time.
                Err(error) => report.failed(shares[0], error),
            }
        }
        Ok(())
    }

    async fn sync_on(
        &self,
        wire: &Wire,
        (shares, told): (Vec<SpaceId>, Told),
        deadline: Option<Instant>,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let busy = self.busy_shares(wire, (shares, told), deadline, report).await?;
        for share in busy {
            let mut done = self.sync_share(wire, share, deadline, report).await;
            for time in 0..PAUSES {
                let Some(pause) = done.as_ref().err().and_then(pause_of) else { break };
                rest(deadline, time, Some(pause)).await?;
                done = self.sync_share(wire, share, deadline, report).await;
            }
            match done {
                Ok(()) => {}
                Err(error @ (EngineError::OutOfTime | EngineError::Offline { .. })) => {
                    return Err(error);
                }
                Err(error) => report.failed(share, error),
            }
        }
        Ok(())
    }

    async fn sync_share(
        &self,
        wire: &Wire,
        share: SpaceId,
        deadline: Option<Instant>,
        report: &mut SyncReport,
    ) -> Result<(), EngineError> {
        let exporter = Some(wire.exporter(&share)?);
        let mut errand = Errand::new(share, Connection { relay: wire.relay(), exporter });
        loop {
            let next = self.worker.call(move |replica| {
                let batch = errand.next(replica, now_ms())?;
                Ok((errand, batch))
            });
            let (returned, batch) = next.await?;
            errand = returned;
            let Some(batch) = batch else { break };
            report.round_trips += 1;
            let asking = async { Ok(wire.exchange(&batch).await?) };
            let mut exchange = in_time(deadline, asking).await?;
            while errand.is_waiting() {
                let reply = in_time(deadline, async { Ok(exchange.next().await?) }).await?;
                let reply = reply.ok_or_else(|| EngineError::Offline {
                    why: "the relay broke off".to_owned(),
                })?;
                let taken = self.worker.call(move |replica| {
                    errand.reply(replica, reply, now_ms())?;
                    Ok(errand)
                });
                errand = taken.await?;
            }
        }
        let (sent, received) =
            self.worker.call(move |replica| replica.share_counts(&share)).await?;
        report.shared += sent;
        report.heard += received;
        Ok(())
    }
}

impl SyncReport {
    fn failed(&mut self, share: SpaceId, error: EngineError) {
        self.failures.push((share, error.to_string()));
    }
}
