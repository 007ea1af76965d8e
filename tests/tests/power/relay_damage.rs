//! Damage to any file of a relay: it starts, or says what is damaged and where; and the next sync of
//! a phone fills it again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use mainstay_core::engine::{Backend, Engine, EngineError};
use mainstay_power_cut::damage::Damage;

use crate::example::Example;
use crate::{phone, relay, report, runtime};

/// How a damaged relay came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// It started, and had everything after a sync.
    AfterSync,
    /// It did not start and said which file is damaged, which was put back.
    KeyToldAtStart,
    /// The phone noticed another key; the key was put back.
    KeyToldByPhone,
    /// It did not start, or could not serve; its data were wiped, and filled by a sync.
    Wiped,
}

struct Case<'a> {
    example: &'a Example,
    /// Holds `phone` and `relay`.
    root: &'a Path,
    /// The damaged file, under the root.
    name: &'a str,
}

impl Case<'_> {
    async fn come_back(&self) -> Result<Seen, String> {
        let is_key = self.name.ends_with(".key");
        match self.filled().await {
            Ok(()) => Ok(Seen::AfterSync),
            Err(Wrong::Start(error)) if is_key => {
                // The message names the file, and asks for the backup.
                let file = self.name.rsplit('/').next().unwrap_or_default();
                if !error.contains(file) {
                    return Err(format!("the error does not name {file}: {error}"));
                }
                self.example.mend(self.root, self.name);
                self.again(Seen::KeyToldAtStart).await
            }
            Err(Wrong::Sync(EngineError::WrongRelay)) if is_key => {
                self.example.mend(self.root, self.name);
                self.again(Seen::KeyToldByPhone).await
            }
            Err(Wrong::Start(error)) => {
                let folder = self.root.join("relay/data").display().to_string();
                if !error.contains(&folder) {
                    return Err(format!("the error does not name the folder: {error}"));
                }
                self.wipe();
                self.again(Seen::Wiped).await
            }
            Err(Wrong::Sync(EngineError::Refused(_)) | Wrong::Held(_)) => {
                self.wipe();
                self.again(Seen::Wiped).await
            }
            Err(Wrong::Sync(error)) => Err(format!("the phone says {error:?}")),
            Err(Wrong::Missing) => Err("something is missing, and nobody noticed".into()),
        }
    }

    async fn again(&self, seen: Seen) -> Result<Seen, String> {
        match self.filled().await {
            Ok(()) => Ok(seen),
            Err(wrong) => Err(format!("not filled again: {wrong:?}")),
        }
    }

    /// Starts the relay, syncs a phone with it, and looks whether everything is there.
    async fn filled(&self) -> Result<(), Wrong> {
        let Example { backend, told, .. } = self.example;
        let relay = self.example.relay(self.root).await;
        let relay = relay.map_err(|error| Wrong::Start(error.to_string()))?;
        let config = phone::config(*backend, &self.root.join("phone"), told);
        let engine = Engine::open(config).await.unwrap();
        let synced = engine.sync().await;
        let shown = phone::compare(&engine, told).await.unwrap();
        engine.suspend().await.unwrap();
        relay.shutdown().await;
        synced.map_err(Wrong::Sync)?;
        let held = relay::held(&self.root.join("relay"), told.phrase().as_ref());
        match held.map_err(Wrong::Held)?.contents {
            Some(contents) if contents == shown.contents => Ok(()),
            _ => Err(Wrong::Missing),
        }
    }

    /// What docs/relay.md says of a data folder that is lost.
    fn wipe(&self) {
        std::fs::remove_dir_all(self.root.join("relay/data")).unwrap();
    }
}

#[derive(Debug)]
#[allow(dead_code)] // What they hold is shown.
enum Wrong {
    Start(String),
    Sync(EngineError),
    /// The relay says that it cannot give out what it has.
    Held(String),
    Missing,
}

fn comes_back(example: &Example, name: &str, damage: Damage) -> Result<Seen, String> {
    let copy = example.copy();
    damage.apply(&copy.path().join(name));
    runtime().block_on(Case { example, root: copy.path(), name }.come_back())
}

// Broken on purpose: a relay that takes every place in a feed for one of its own made it fail, in the
// long form.
#[test]
fn damage_to_any_file_of_a_relay_is_told_or_mended_by_the_next_sync() {
    mainstay_power_cut::quiet_backends();
    let started = Instant::now();
    let example = Example::new(Backend::Redb);
    let (mut seen, mut wrong) = (BTreeMap::<Seen, usize>::new(), Vec::new());
    let damages = example.damages("relay");
    for (name, damage) in &damages {
        let looking = || comes_back(&example, name, *damage);
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(looking));
        match looked.unwrap_or_else(|panic| Err(crate::words(panic))) {
            Ok(how) => *seen.entry(how).or_default() += 1,
            Err(error) => wrong.push(format!("{name}, {damage:?}: {error}")),
        }
    }
    report(format!(
        "damage to a relay: {} files, {seen:?}, {} wrong; {} s",
        damages.len(),
        wrong.len(),
        started.elapsed().as_secs()
    ));
    assert_eq!(wrong, Vec::<String>::new());
}
