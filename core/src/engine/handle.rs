//! The engine: what an app calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay_protocol::address::RelayAddress;
use tokio::sync::{Mutex, watch};

use super::anchor::Anchor;
use super::config::{Config, now_ms};
use super::error::EngineError;
use super::keys::KeyError;
use super::replica::{DeviceInfo, Fork, Imported, Job, Problem, Replica, Shown, ShownPlan, Status};
use super::worker::Worker;
use crate::document::Row;
use crate::journal::{Entry, EntryBody, EntryId, Month, Patch, When};
use crate::plan::{Plan, PlanEdit};
use crate::space::phrase::Phrase;
use crate::space::recovery::Recovery;
use crate::transport::Wire;

/// A person's journal on this device.
///
/// A cheap handle: clone it freely. Every method may be called from any task; a future that is
/// dropped leaves nothing half done (a write that had begun is finished, a sync stops where it is
/// and goes on from there). Everything but syncing works without a network.
#[derive(Clone)]
pub struct Engine {
    pub(super) config: Arc<Config>,
    pub(super) worker: Worker,
    /// The connection to the relay, kept between syncs. Held while a sync runs, so that there is
    /// one at a time.
    pub(super) wire: Arc<Mutex<Option<Wire>>>,
}

impl Engine {
    /// Makes a new journal. The phrase is shown to the person once and kept nowhere.
    ///
    /// # Errors
    /// [`EngineError::AlreadyThere`] when the folder holds a journal; [`EngineError::Key`];
    /// [`EngineError::Store`].
    pub async fn create(config: Config) -> Result<(Self, Phrase), EngineError> {
        let engine = Self::new(config)?;
        let config = engine.config.clone();
        let made = engine.worker.with(move |slot| {
            let (setup, _) = config.setup(true)?;
            let phrase = Phrase::make(&mut *super::config::system_rng());
            let recovery = Recovery::derive(&phrase);
            let replica = Replica::create(setup, &recovery, &config.device_name)?;
            Anchor::of(&replica).keep(&config)?;
            *slot = Some(replica);
            Ok(phrase)
        });
        let phrase = made.await?;
        Ok((engine, phrase))
    }

    /// Moves the files of a damaged journal to `aside/` in its folder, where nothing is deleted: for one
    /// that says [`EngineError::Damaged`] however often it is opened. Opened after that, it starts from what
    /// the relay holds. What was on this device alone is in the files that were moved. The journal must not
    /// be open. Returns where the files are now.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it is in use or cannot be moved.
    pub async fn set_aside(folder: &Path) -> Result<PathBuf, EngineError> {
        let folder = folder.to_path_buf();
        let moved = tokio::task::spawn_blocking(move || mainstay_store::set_aside(&folder));
        match moved.await {
            Ok(moved) => Ok(moved?),
            Err(_) => Err(EngineError::Closed),
        }
    }

    /// Opens the journal in a folder.
    ///
    /// # Errors
    /// [`EngineError::NothingHere`]; [`EngineError::Key`] when the key store is locked or lacks the
    /// key; [`EngineError::Store`] when it is in use, damaged, or of a newer version;
    /// [`EngineError::SetAside`] when it was so damaged that it had to be moved away. Opened again
    /// after that, the journal starts from what the relay holds: [`EngineError::Offline`] until the
    /// relay can be reached.
    pub async fn open(config: Config) -> Result<Self, EngineError> {
        let engine = Self::new(config)?;
        match engine.resume().await {
            Err(EngineError::NothingHere) => engine.refill().await?,
            other => other?,
        }
        Ok(engine)
    }

    pub(super) fn new(config: Config) -> Result<Self, EngineError> {
        Ok(Self {
            config: Arc::new(config),
            worker: Worker::start()?,
            wire: Arc::new(Mutex::new(None)),
        })
    }

    /// Logs an entry. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming the field and its limit; [`EngineError::Store`].
    pub async fn log(&self, body: EntryBody, when: When) -> Result<EntryId, EngineError> {
        self.worker.call(move |replica| replica.log(body, when, now_ms())).await
    }

    /// Changes fields of an entry; `None` takes a field away.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::Invalid`], [`EngineError::StillRestoring`].
    pub async fn edit(&self, id: EntryId, patch: Patch) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.edit(id, &patch, now_ms())).await
    }

    /// Hides an entry everywhere. It can be brought back ([`Engine::restore_deleted`]) for 30 days;
    /// [`Engine::deleted`] lists what is hidden.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::StillRestoring`].
    pub async fn delete(&self, id: EntryId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.delete(id, now_ms())).await
    }

    /// Brings a deleted entry back.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`], [`EngineError::StillRestoring`].
    pub async fn restore_deleted(&self, id: EntryId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.restore_deleted(id, now_ms())).await
    }

    /// Forgets an entry for ever, here at once and everywhere with the next syncs.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`].
    pub async fn forget(&self, id: EntryId) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.forget(id, now_ms())).await
    }

    /// Adds many entries; those that are here already, or were forgotten, are left out.
    ///
    /// # Errors
    /// [`EngineError::Invalid`], [`EngineError::Store`].
    pub async fn import(&self, entries: Vec<Entry>) -> Result<Imported, EngineError> {
        self.worker.call(move |replica| replica.import(&entries, now_ms())).await
    }

    /// The entries that touch a span of time (Unix milliseconds, both ends included), newest first,
    /// deleted ones left out.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub async fn timeline(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Row>, EngineError> {
        self.worker.call(move |replica| replica.timeline(from_ms, to_ms)).await
    }

    /// The chapters there are, oldest first; [`Engine::chapter`] reads one without holding all.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn chapters(&self) -> Result<Vec<Month>, EngineError> {
        self.worker.call(|replica| Ok(replica.chapters())).await
    }

    /// The entries of one chapter, sorted by id, deleted ones left out.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub async fn chapter(&self, month: Month) -> Result<Vec<Row>, EngineError> {
        let rows = self.worker.call(move |replica| replica.chapter_rows(month)).await?;
        Ok(rows.into_iter().filter(|row| row.deleted_at.is_none()).collect())
    }

    /// The deleted entries of one chapter, which [`Engine::restore_deleted`] brings back, sorted by
    /// id. What was forgotten is not among them.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub async fn deleted(&self, month: Month) -> Result<Vec<Row>, EngineError> {
        let rows = self.worker.call(move |replica| replica.chapter_rows(month)).await?;
        Ok(rows.into_iter().filter(|row| row.deleted_at.is_some()).collect())
    }

    /// One entry with what else it could say, also a deleted one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntry`].
    pub async fn show(&self, id: EntryId) -> Result<Shown, EngineError> {
        self.worker.call(move |replica| replica.show(&id)).await
    }

    /// The recovery plan.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn plan(&self) -> Result<Plan, EngineError> {
        self.worker.call(|replica| Ok(replica.plan())).await
    }

    /// The recovery plan with what else it could say, where two devices changed it at once.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn show_plan(&self) -> Result<ShownPlan, EngineError> {
        self.worker.call(|replica| Ok(replica.show_plan())).await
    }

    /// Changes the recovery plan. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`EngineError::Plan`], [`EngineError::Store`].
    pub async fn edit_plan(&self, edit: PlanEdit) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.edit_plan(&edit, now_ms())).await
    }

    /// A new plan item's id, for [`PlanEdit::Add`].
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn new_item_id(&self) -> Result<crate::plan::ItemId, EngineError> {
        self.worker.call(|replica| Ok(replica.new_item_id())).await
    }

    /// Where the journal's entries are: each number rests on something that its holder signed.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn status(&self) -> Result<Status, EngineError> {
        self.worker.call(|replica| replica.status(now_ms())).await
    }

    /// Opens every document, makes its row again and compares; mends what differs.
    ///
    /// # Errors
    /// [`EngineError::Damaged`], [`EngineError::Store`].
    pub async fn verify(&self) -> Result<Vec<Problem>, EngineError> {
        self.worker.call(|replica| replica.verify()).await
    }

    /// Sets the relay to sync with.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn set_relay(&self, address: RelayAddress) -> Result<(), EngineError> {
        self.disconnect().await;
        let config = self.config.clone();
        self.worker
            .call(move |replica| {
                replica.set_relay(&address)?;
                Anchor::note(&config, replica)
            })
            .await
    }

    /// The relay that was set.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn relay(&self) -> Result<Option<RelayAddress>, EngineError> {
        self.worker.call(|replica| Ok(replica.relay_address())).await
    }

    /// Keeps an invitation to register at the relay (64 hex digits and more, as the relay's
    /// operator hands them out), for the next sync.
    ///
    /// # Errors
    /// [`EngineError::NoRelay`].
    pub async fn set_registration(&self, invitation: Vec<u8>) -> Result<(), EngineError> {
        self.worker.call(move |replica| replica.set_invitation(invitation)).await
    }

    /// The devices of the journal, also those that were removed.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn devices(&self) -> Result<Vec<DeviceInfo>, EngineError> {
        self.worker.call(|replica| Ok(replica.devices())).await
    }

    /// Removes a device, by its name or the beginning of its id in hexadecimal digits: it gets
    /// nothing new from then on. Needs the relay. A name that several devices have needs the id.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`], also for this device itself and where several fit; what [`Engine::sync`] says.
    pub async fn remove_device(&self, name: &str) -> Result<(), EngineError> {
        let device = self.find_device(name, &["active", "waiting"]).await?;
        self.ask(Job::Remove(device.author)).await
    }

    /// Confirms a device that a recovery set aside, named as for [`Engine::remove_device`]. Needs
    /// the relay.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`], also where it does not wait or several fit; what [`Engine::sync`] says.
    pub async fn confirm_device(&self, name: &str) -> Result<(), EngineError> {
        let device = self.find_device(name, &["waiting"]).await?;
        self.ask(Job::Confirm(device.author)).await
    }

    /// The other list of devices, if the last sync failed because of one ([`Engine::take_alarms`] has
    /// [`super::Alarm::Fork`] then): show it to the person beside [`Engine::devices`], and offer
    /// [`Engine::heal`].
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub async fn fork(&self) -> Result<Option<Fork>, EngineError> {
        self.worker.call(|replica| Ok(replica.fork())).await
    }

    /// The person has looked at both lists of devices and wants them to be one. Whoever either list
    /// removed stays removed; whoever only one of them knows waits for [`Engine::confirm_device`].
    /// Nothing that was written under either list is lost. Needs the relay. Lists that do not
    /// disagree about removals are joined by a sync without being asked, which
    /// [`super::Alarm::Healed`] then says.
    ///
    /// # Errors
    /// [`EngineError::NothingToHeal`] when the last sync met no other list, or one that this device
    /// may not join (another device can, or this one is let in again: [`Engine::rejoin`]);
    /// [`EngineError::Roster`] when the relay shows yet another list by now: look again; what
    /// [`Engine::sync`] says.
    pub async fn heal(&self) -> Result<(), EngineError> {
        self.worker.call(|replica| replica.ask_heal()).await?;
        self.sync().await.map(|_| ())
    }

    pub(super) async fn ask(&self, job: Job) -> Result<(), EngineError> {
        self.worker
            .call(move |replica| {
                replica.ask(job);
                Ok(())
            })
            .await?;
        self.sync().await.map(|_| ())
    }

    async fn find_device(&self, name: &str, statuses: &[&str]) -> Result<DeviceInfo, EngineError> {
        let devices = self.devices().await?;
        let fits = |device: &&DeviceInfo| {
            !device.this
                && statuses.contains(&device.status)
                && (device.name == name || device.author.to_hex().starts_with(name))
        };
        let mut found = devices.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(device), None) => Ok(device.clone()),
            _ => Err(EngineError::NoSuchDevice),
        }
    }

    /// A counter that grows with every change that a reader could see, from here or from another
    /// device. Receivers see the newest value only.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.worker.revisions()
    }

    /// Commits everything, lets go of the store and of the connection: an app that the system
    /// suspends must not hold a lock. Calls fail with [`EngineError::Closed`] until
    /// [`Engine::resume`].
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn suspend(&self) -> Result<(), EngineError> {
        self.disconnect().await;
        self.worker
            .with(|slot| match slot.take() {
                Some(mut replica) => replica.flush(),
                None => Ok(()),
            })
            .await
    }

    /// Opens the store again after [`Engine::suspend`]. Does nothing if it is open.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn resume(&self) -> Result<(), EngineError> {
        let config = self.config.clone();
        self.worker
            .with(move |slot| {
                if slot.is_some() {
                    return Ok(());
                }
                let (setup, recovery) = config.setup(false)?;
                if let mainstay_store::Recovery::MovedAside { path, .. } = &recovery {
                    return Err(EngineError::SetAside { path: path.clone() });
                }
                let store = Arc::clone(&setup.store);
                let is_whole = !matches!(recovery, mainstay_store::Recovery::Incomplete { .. });
                let mut replica = match Replica::open(setup) {
                    // It was there once.
                    Err(EngineError::Key(KeyError::Missing)) if !is_whole => {
                        return Err(EngineError::damaged("what names this device is missing"));
                    }
                    opened => opened?,
                };
                if !is_whole {
                    replica.mend()?;
                    Anchor::give_relay(&config, &mut replica)?;
                    store.mended()?;
                }
                Anchor::check(&config, &mut replica)?;
                *slot = Some(replica);
                Ok(())
            })
            .await
    }

    pub(super) async fn disconnect(&self) {
        if let Some(wire) = self.wire.lock().await.take() {
            wire.close().await;
        }
    }
}
