//! The session as the worker lives it: a person with their phone, and a relay.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mainstay_core::engine::{Config, Engine, EngineError};
use mainstay_core::journal::{EntryId, Value};
use mainstay_core::plan::{ItemId, PlanEdit, Section};
use mainstay_power_cut::random::Random;
use mainstay_sync_server::config::Config as ServerConfig;
use mainstay_sync_server::{ServeError, Server};

use crate::contents::State;
use crate::keys::Keys;
use crate::known::States;
use crate::session::{Kind, Step, body, imported, text, when};
use crate::told::Told;
use crate::worker::Job;

/// Longer than any sync of a session takes, and short enough to see one that hangs.
const SYNC_TIME: Duration = Duration::from_secs(20);

/// Says what happened, in the file of acknowledgements.
struct Voice(Mutex<(File, Told)>);

impl Voice {
    fn say(&self, line: &str) {
        let mut held = self.0.lock().unwrap();
        held.0.write_all(format!("{line}\n").as_bytes()).unwrap();
        held.1.read(line);
    }

    fn with<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&self.0.lock().unwrap().1)
    }
}

struct Life {
    config: Config,
    relay_config: ServerConfig,
    voice: Arc<Voice>,
    phone: Option<Engine>,
    relay: Option<Server>,
}

/// Lives a session to its end. What the disk refuses is an error of one step, and the next comes.
pub(crate) async fn live(job: &Job) {
    let acks = OpenOptions::new().append(true).create(true).open(job.acks()).unwrap();
    let voice = Arc::new(Voice(Mutex::new((acks, Told::default()))));
    let telling = voice.clone();
    let keys = Keys::telling(move |id, secret| {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        telling.say(&format!("secret {id} {hex}"));
    });
    let config = Config {
        dir: job.disk().join("phone"),
        backend: job.backend,
        keys: Arc::new(keys),
        device_name: "phone".into(),
    };
    let relay_config = relay_config(&job.disk().join("relay"));
    let mut life = Life { config, relay_config, voice, phone: None, relay: None };
    life.start_relay().await;
    life.open().await;
    for number in 1..=job.session.steps() {
        let Some(step) = life.choose(job.session.kind(number), number).await else { continue };
        life.voice.say(&format!("will {step}"));
        match life.perform(&step).await {
            Ok(Some(id)) => life.voice.say(&format!("did {step} {id}")),
            Ok(None) => life.voice.say(&format!("did {step}")),
            Err(error) => life.voice.say(&format!("failed {error}")),
        }
        if step == Step::Sync {
            life.look_at_relay().await;
        }
    }
    life.close().await;
    if let Some(relay) = life.relay.take() {
        relay.shutdown().await;
    }
}

/// A relay over a folder, at a port of its own.
pub(crate) fn relay_config(folder: &Path) -> ServerConfig {
    let place = "127.0.0.1:0".parse().unwrap();
    ServerConfig::new(folder.join("data"), folder.join("keys"), place)
}

/// Starts a relay. One that has just stopped lets go of its port a moment later.
pub(crate) async fn bind(config: &ServerConfig) -> Result<Server, ServeError> {
    const ONCE_MORE: Duration = Duration::from_millis(5);
    let give_up = Instant::now() + Duration::from_secs(5);
    loop {
        match Server::bind(config).await {
            Err(ServeError::Listen { .. }) if Instant::now() < give_up => {
                tokio::time::sleep(ONCE_MORE).await;
            }
            bound => return bound,
        }
    }
}

impl Life {
    async fn start_relay(&mut self) {
        self.relay = bind(&self.relay_config).await.ok();
        if let Some(relay) = &self.relay {
            self.relay_config.listen = relay.local_addr();
            self.voice.say(&format!("relay-port {}", relay.local_addr().port()));
        }
    }

    /// Opens the journal, or makes it where nothing is.
    async fn open(&mut self) {
        self.phone = match Engine::open(self.config.clone()).await {
            Ok(phone) => Some(phone),
            Err(EngineError::NothingHere) => match Engine::create(self.config.clone()).await {
                Ok((phone, phrase)) => {
                    let words: Vec<&str> = phrase.words().collect();
                    self.voice.say(&format!("phrase {}", words.join(" ")));
                    Some(phone)
                }
                Err(_) => None,
            },
            Err(_) => None,
        };
        if let (Some(phone), Some(relay)) = (&self.phone, &self.relay) {
            // A journal without an address is as good as one whose relay is away.
            let _ = phone.set_relay(relay.address()).await;
        }
    }

    async fn close(&mut self) {
        if let Some(phone) = self.phone.take() {
            let _ = phone.suspend().await;
        }
    }

    /// What a step of this kind does now; nothing where there is nothing to do it to.
    async fn choose(&self, kind: Kind, number: u64) -> Option<Step> {
        let mut random = Random::new(number ^ 0xabcd);
        let entry = |random: &mut Random| -> Option<EntryId> {
            let live = self.voice.with(|told| sure(&told.phone.entries));
            let at = random.below(live.len().max(1) as u64) as usize;
            live.get(at).copied()
        };
        let item = |random: &mut Random| -> Option<ItemId> {
            let items = self.voice.with(|told| sure(&told.phone.plan));
            let at = random.below(items.len().max(1) as u64) as usize;
            items.get(at).copied()
        };
        let phone = self.phone.as_ref();
        Some(match kind {
            Kind::Reopen => Step::Reopen,
            Kind::RestartRelay => Step::RestartRelay,
            // Nobody waits for a relay that did not start.
            Kind::Sync if self.relay.is_none() => return None,
            Kind::Sync => Step::Sync,
            Kind::Log => Step::Log(number),
            Kind::Import => Step::Import(number),
            Kind::Edit => Step::Edit(entry(&mut random)?, number),
            Kind::Delete => Step::Delete(entry(&mut random)?),
            Kind::Forget => Step::Forget(entry(&mut random)?),
            Kind::AddToPlan => Step::AddToPlan(phone?.new_item_id().await.ok()?, number),
            Kind::EditPlan => Step::EditPlan(item(&mut random)?, number),
        })
    }

    async fn perform(&mut self, step: &Step) -> Result<Option<EntryId>, EngineError> {
        match step {
            Step::Reopen => {
                self.close().await;
                self.open().await;
                return Ok(None);
            }
            Step::RestartRelay => {
                if let Some(relay) = self.relay.take() {
                    relay.shutdown().await;
                }
                self.start_relay().await;
                return Ok(None);
            }
            _ => {}
        }
        let phone = self.phone.as_ref().ok_or(EngineError::Closed)?;
        write(phone, step).await
    }

    /// Says what is on the relay, if a sync came to its end.
    async fn look_at_relay(&self) {
        let Some(phone) = &self.phone else { return };
        let Ok(status) = phone.status().await else { return };
        // A sync that failed is no news; one that was complete leaves nothing.
        if status.waiting == 0 && status.synced_ms.is_some() && status.stale_since_ms.is_none() {
            self.voice.say(&format!("on-relay {}", status.on_relay));
        }
    }
}

async fn write(phone: &Engine, step: &Step) -> Result<Option<EntryId>, EngineError> {
    match step {
        Step::Log(number) => return phone.log(body(*number), when(*number)).await.map(Some),
        Step::Edit(id, number) => {
            let patch = [("note".to_owned(), Some(Value::Str(text(*number))))];
            phone.edit(*id, patch.into()).await?;
        }
        Step::Delete(id) => phone.delete(*id).await?,
        Step::Forget(id) => phone.forget(*id).await?,
        Step::Import(number) => {
            let entries = imported(*number).into_iter().map(|(_, entry)| entry).collect();
            phone.import(entries).await?;
        }
        Step::AddToPlan(id, number) => {
            let (section, text) = (Section::Reasons, text(*number));
            let add = PlanEdit::Add { id: *id, section, text, details: [].into(), position: None };
            phone.edit_plan(add).await?;
        }
        Step::EditPlan(id, number) => {
            let text = Some(text(*number));
            phone.edit_plan(PlanEdit::Edit { id: *id, text, details: [].into() }).await?;
        }
        Step::Sync => {
            phone.sync_once(SYNC_TIME).await?;
        }
        Step::Reopen | Step::RestartRelay => {}
    }
    Ok(None)
}

/// What is there for sure, and live.
fn sure<Id: Copy>(known: &BTreeMap<Id, States>) -> Vec<Id> {
    let live = |states: &States| states.iter().all(|state| matches!(state, State::Live(_)));
    known.iter().filter(|(_, states)| live(states)).map(|(id, _)| *id).collect()
}
