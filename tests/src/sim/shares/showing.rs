//! Whether what devices say of shares is true.

use mainstay_core::engine::{ShareInfo, ShareStage};
use mainstay_protocol::roster::record_hash;
use mainstay_sync_server::feed::FeedStore;

use super::{At, COUNSELLOR, Care, Failure};

impl Care {
    pub(super) fn infos(&mut self, at: At) -> Result<Vec<ShareInfo>, Failure> {
        let infos = self.ask(at, |phone, now_ms| phone.replica.shares(now_ms));
        infos.map_err(|e| format!("{}: shares: {e:?}", self.label(at)))
    }

    /// After everybody was online: if all devices know the same consent, nothing that is written from
    /// now on goes beyond it.
    pub(super) fn note_what_all_know(&mut self) -> Result<(), Failure> {
        for tie in 0..self.ties.len() {
            let (owner, share) = (self.ties[tie].owner, self.ties[tie].share);
            let mut all = Vec::new();
            for at in [self.all(owner), self.all(COUNSELLOR)].concat() {
                all.push(self.ask(at, |phone, _| phone.replica.consent_of(&share)).ok().flatten());
            }
            if let Some(Some(first)) = all.first()
                && all.iter().all(|consent| consent.as_ref() == Some(first))
            {
                let words = self.words.len();
                self.ties[tie].known_to_all(&first.scope.to_string(), words);
            }
        }
        Ok(())
    }

    /// Whether the relay has a list of members at all.
    pub(super) fn is_on_relay(&self, tie: usize) -> Result<bool, Failure> {
        let there = self.world.relay.store().records(&self.ties[tie].share);
        Ok(!there.map_err(|e| e.to_string())?.is_empty())
    }

    /// Whether the relay lost a part of the list of members, and two lists came of it: by decision 12
    /// these are never joined, and the person makes another share.
    pub(super) fn is_split(&mut self, tie: usize) -> Result<bool, Failure> {
        let (owner, share) = (self.ties[tie].owner, self.ties[tie].share);
        let there = self.world.relay.store().records(&share).map_err(|e| e.to_string())?;
        let mut lists: Vec<Vec<_>> = vec![there.iter().map(record_hash).collect()];
        for at in [self.all(owner), self.all(COUNSELLOR)].concat() {
            lists.extend(self.ask(at, |phone, _| phone.replica.share_list(&share)).ok());
        }
        let longest = lists.iter().max_by_key(|list| list.len()).cloned().unwrap_or_default();
        let split = self.harmed() && !lists.iter().all(|list| longest.starts_with(list));
        self.ties[tie].forked |= split;
        Ok(self.ties[tie].forked)
    }

    /// Whatever says to be delivered is there, on every device that ever synced.
    pub(super) fn check_delivery(&mut self) -> Result<(), Failure> {
        let owner = self.below(2) as usize;
        let at = self.any(owner);
        for info in self.infos(at)? {
            if info.delivered && info.owner && info.state == ShareStage::Active {
                self.check_delivered(at, &info)?;
            }
        }
        Ok(())
    }

    pub(super) fn check_delivered(&mut self, at: At, info: &ShareInfo) -> Result<(), Failure> {
        let Some((mine, _)) = self.heard(at, &info.id)? else { return Ok(()) };
        // Another device of the person's may have said something newer, and the counsellor have it.
        for other in self.all(at.person) {
            let said = self.heard(other, &info.id)?;
            if said.is_some_and(|(said, _)| said != mine) {
                return Ok(());
            }
        }
        let (me, tie) = (self.id(at), self.tie_of(&info.id)?);
        let since = self.ties[tie].talked.iter().rev().take_while(|id| **id != me);
        let here: Vec<u32> = self.all(at.person).into_iter().map(|at| self.id(at)).collect();
        if since.into_iter().any(|id| !here.contains(id)) {
            // So may one that is lost by now.
            return Ok(());
        }
        for there in self.all(COUNSELLOR) {
            let told = (info.id, at.person, me, self.id(there));
            if !self.told.contains(&told) || !self.people[COUNSELLOR].devices[there.device].is_in()
            {
                continue;
            }
            let Some(held) = self.held(there, &info.id)? else { continue };
            // A counsellor who leaves gives back what they had; that they left comes with the next sync.
            if held != mine && !self.ties[tie].ended && !self.is_split(tie)? {
                return Err(format!(
                    "{} says that all is delivered; {} holds {} of {} records as they are",
                    self.label(at),
                    self.label(there),
                    held.iter().filter(|record| mine.contains(record)).count(),
                    mine.len()
                ));
            }
        }
        Ok(())
    }
}
