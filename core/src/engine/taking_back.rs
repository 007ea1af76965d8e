//! Taking a share back with the twelve words.

use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::frame::Signer;
use mainstay_protocol::ids::SpaceId;

use super::arriving::{append, show};
use super::config::now_ms;
use super::error::EngineError;
use super::handle::Engine;
use super::syncing::SyncReport;
use crate::space::phrase::Phrase;
use crate::space::recovery::Recovery;
use crate::transport::Wire;

impl Engine {
    /// Takes one of this person's shares back from somebody who goes on with it under other keys
    /// ([`super::Alarm::ShareTaken`]): with the twelve words, whose copy of the share's first key no
    /// phone can open. What was done there under other keys is void; who was let in before stays in.
    /// Then syncs.
    ///
    /// # Errors
    /// [`EngineError::OtherWords`] for the words of another journal; [`EngineError::NoSuchShare`],
    /// [`EngineError::ShareOver`]; [`EngineError::Offline`], [`EngineError::WrongRelay`]; what
    /// [`Engine::sync`] says: the share is taken back all the same.
    pub async fn share_take_back(
        &self,
        share: SpaceId,
        phrase: &Phrase,
    ) -> Result<SyncReport, EngineError> {
        let recovery = Recovery::derive(phrase);
        let (root, relay) = self
            .worker
            .call(move |replica| {
                let root = replica.root_of(&share, &recovery)?;
                let (_, relay) = replica.share_keys(&share).ok_or(EngineError::NoSuchShare)?;
                Ok((root, relay))
            })
            .await?;
        let relay: RelayAddress =
            relay.parse().map_err(|_| EngineError::damaged("a share's relay"))?;
        let wire = Wire::connect(&relay).await?;
        let keys = root.keys();
        let mut shown = show(&wire, (share, Signer::Recovery), &keys.sign, &keys.kem).await?;
        let (roster, keyring) = (shown.roster.clone(), shown.keyring.clone());
        let change = self.worker.call(move |replica| {
            replica.draft_take_back(&share, &root, (&roster, &keyring), now_ms())
        });
        let change = change.await?;
        append(&wire, &mut shown.roster, &change).await?;
        wire.close().await;
        self.sync().await
    }
}
