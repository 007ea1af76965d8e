//! Mailboxes: a few short letters between two devices that share no space yet.

use mainstay_protocol::frame::{Refusal, Reply};
use mainstay_protocol::ids::{MailboxId, SpaceId};
use mainstay_protocol::limits::{
    MAX_MAILBOX_LIFE_MS, MAX_MAILBOX_MESSAGE_BYTES, MAX_MAILBOX_MESSAGES,
};
use mainstay_protocol::mailbox::Letter;

use crate::feed::{Change, FeedStore, MailboxRow};
use crate::relay::{Connection, Relay, Stop, lock, malformed};

/// Mailboxes that one space may have open.
pub const MAX_OPEN_MAILBOXES: u64 = 8;

impl<S: FeedStore> Relay<S> {
    pub(super) fn open_mailbox(
        &self,
        connection: &Connection,
        space: &SpaceId,
        mailbox: MailboxId,
        life_ms: u64,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        if life_ms > MAX_MAILBOX_LIFE_MS {
            return Err(malformed("a mailbox lives too long"));
        }
        self.with_space(space, |space| {
            connection.writer(space, now_ms)?;
            let _alone = lock(&self.mailboxes);
            let expires_ms = now_ms.saturating_add(life_ms);
            let mut row = space.row;
            let mut changes = Vec::new();
            match self.store.mailbox(&mailbox)? {
                Some(there) if there.space != space.id => return Err(Refusal::Mailbox.into()),
                Some(there) if now_ms < there.expires_ms => return Ok(Reply::Done),
                Some(expired) => changes.push(Change::DropMailbox(mailbox, expired)),
                None if row.mailboxes >= MAX_OPEN_MAILBOXES => return Err(Refusal::Mailbox.into()),
                None => row.mailboxes += 1,
            }
            let opened = MailboxRow { space: space.id, expires_ms, letters: 0 };
            changes.push(Change::Mailbox(mailbox, opened));
            changes.push(Change::Space(space.id, row));
            self.store.commit(&changes)?;
            space.row = row;
            Ok(Reply::Done)
        })
    }

    pub(super) fn put_letter(
        &self,
        mailbox: MailboxId,
        place: u32,
        letter: Letter,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        if letter.sealed.len() > MAX_MAILBOX_MESSAGE_BYTES {
            return Err(malformed("a letter is too long"));
        }
        let _alone = lock(&self.mailboxes);
        let mut row = self.open(&mailbox, now_ms)?;
        // A letter whose acknowledgement was lost comes again.
        if place < row.letters && self.store.letter(&mailbox, place)?.as_ref() == Some(&letter) {
            return Ok(Reply::Done);
        }
        if place != row.letters || place as usize >= MAX_MAILBOX_MESSAGES {
            return Err(Refusal::Mailbox.into());
        }
        row.letters += 1;
        let changes = [Change::Letter(mailbox, place, letter), Change::Mailbox(mailbox, row)];
        self.store.commit(&changes)?;
        Ok(Reply::Done)
    }

    pub(super) fn letters(
        &self,
        mailbox: MailboxId,
        after: u32,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        let _alone = lock(&self.mailboxes);
        let row = self.open(&mailbox, now_ms)?;
        let mut letters = Vec::new();
        for place in after..row.letters {
            letters.extend(self.store.letter(&mailbox, place)?);
        }
        Ok(Reply::Letters { letters })
    }

    pub(super) fn close_mailbox(
        &self,
        connection: &Connection,
        space: &SpaceId,
        mailbox: MailboxId,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(space, |space| {
            connection.writer(space, now_ms)?;
            let _alone = lock(&self.mailboxes);
            let there = self.store.mailbox(&mailbox)?;
            let row = there.filter(|row| row.space == space.id).ok_or(Refusal::Mailbox)?;
            let mut of_space = space.row;
            of_space.mailboxes = of_space.mailboxes.saturating_sub(1);
            let changes = [Change::DropMailbox(mailbox, row), Change::Space(space.id, of_space)];
            self.store.commit(&changes)?;
            space.row = of_space;
            Ok(Reply::Done)
        })
    }

    fn open(&self, mailbox: &MailboxId, now_ms: u64) -> Result<MailboxRow, Stop> {
        let row = self.store.mailbox(mailbox)?.filter(|row| now_ms < row.expires_ms);
        row.ok_or(Refusal::Mailbox.into())
    }
}
