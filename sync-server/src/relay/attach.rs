//! Attaching: who speaks, shown by a signature over this very connection.

use mainstay_protocol::frame::{Attach, Attached, Proof, Refusal, Reply, Rules, Signer};
use mainstay_protocol::sign::{VerifyKey, purpose};
use mainstay_protocol::statement::Cursor;

use crate::feed::{FeedStore, SpaceRow};
use crate::relay::{Connection, Relay, Space, Stop};

impl<S: FeedStore> Relay<S> {
    pub(super) fn attach(
        &self,
        connection: &mut Connection,
        attach: &Attach,
        now_ms: u64,
    ) -> Result<Reply, Stop> {
        self.with_space(&attach.space, |space| {
            self.check_proof(connection, space, attach)?;
            connection.attach(&space.id, attach.signer)?;
            let recognised = match &attach.cursor {
                Some(cursor) => self.recognises(space, cursor)?,
                None => false,
            };
            self.know_heads(space)?;
            let mut row = space.row;
            let mut cursor = self.tail(&row);
            let shut_out = connection.participant(space, now_ms).is_err();
            let own_receipt = match attach.signer {
                Signer::Device(author) if !shut_out => Some(self.counter(space, &author)?),
                _ => None,
            };
            if space.roster.state().share.is_some() && shut_out {
                // When and how much the others write is none of theirs any more.
                cursor =
                    attach.cursor.filter(|_| recognised).unwrap_or(Cursor::start(self.incarnation));
                row = SpaceRow { heads: None, ..SpaceRow::EMPTY };
            }
            Ok(Reply::Attached(Attached {
                cursor,
                recognised,
                roster: space.roster.head(),
                receipts: row.receipts,
                rules: Rules {
                    quota_bytes: self.config.quota_bytes,
                    used_bytes: row.used_bytes,
                    retention_ms: self.config.retention_ms,
                },
                now_ms,
                lacks_wraps: self.lacks_wraps(space)?,
                heads: row.heads,
                own_receipt,
            }))
        })
    }

    fn check_proof(
        &self,
        connection: &Connection,
        space: &Space,
        attach: &Attach,
    ) -> Result<(), Refusal> {
        let Some(signature) = &attach.signature else {
            return match connection.has_proved(&space.id, &attach.signer) {
                true => Ok(()),
                false => Err(Refusal::NotAuthorised),
            };
        };
        let proof = Proof {
            exporter: connection.exporter(&space.id),
            relay: self.keys.relay(),
            space: space.id,
            signer: attach.signer,
        };
        key_of(space, &attach.signer)
            .and_then(|key| key.verify(purpose::ATTACH, &proof.message(), signature).ok())
            .ok_or(Refusal::NotAuthorised)
    }
}

/// The key of whoever was ever admitted: a removed or waiting device may attach to learn from the
/// roster what became of it, and may do nothing else.
fn key_of<'a>(space: &'a Space, signer: &Signer) -> Option<&'a VerifyKey> {
    space.roster.state().known_key(signer)
}
