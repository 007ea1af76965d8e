//! One journal and one relay, and everything that happens to them.

use std::fmt;
use std::process::Child;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::kit::Phone;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::relay::Relay;
use crate::running::{Ended, Moment, Pace};

/// After so many kills everything is looked at.
const LOOK_EVERY: u64 = 10;
/// Of fewer kills chance may let most come too late.
const TOO_FEW: u64 = 30;

/// How long a session goes on.
pub(crate) struct Goal {
    /// Kills of the phone at work.
    pub(crate) phone: u64,
    /// Kills of the relay in a sync.
    pub(crate) relay: u64,
    /// How many times a copy of the relay's folder has to give back what it signed for.
    pub(crate) copies: u64,
}

pub(crate) struct Session {
    pub(crate) dir: TempDir,
    pub(crate) phone: Phone,
    pub(crate) phrase: String,
    pub(crate) relay: Relay,
    pub(crate) ledger: Ledger,
    pub(crate) pace: Pace,
    pub(crate) random: Random,
    pub(crate) figures: Figures,
}

/// What was done. A kill counts when it hit a program at work; a relay is at work during a sync.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) phone: Kills,
    pub(crate) relay: Kills,
    /// Starts of the relay that were cut short.
    pub(crate) starts: Kills,
    /// Syncs that said "not done" because the relay was dead.
    pub(crate) offline: u64,
    pub(crate) restores: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Kills {
    pub(crate) tried: u64,
    pub(crate) hit: u64,
}

impl Kills {
    pub(crate) fn count(&mut self, hit: bool) {
        self.tried += 1;
        self.hit += u64::from(hit);
    }
}

impl Session {
    /// A phone with a journal that has seen each command once, and a relay that has all of it.
    pub(crate) fn begin(store: &'static str, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let relay = Relay::start(&dir.path().join("relay"));
        let program = env!("CARGO_BIN_EXE_phone");
        let phone = Phone { program, home: dir.path().join("first"), store };
        let made = phone.json(&["init", "--relay", relay.url(), "--name", "first"]);
        let phrase = made["phrase"].as_str().unwrap().to_owned();
        let mut session = Self {
            dir,
            phone,
            phrase,
            relay,
            ledger: Ledger::default(),
            pace: Pace::default(),
            random: Random::new(seed),
            figures: Figures::default(),
        };
        session.log(false);
        session.edit(false);
        session.plan(false);
        session.import(false);
        session.settle();
        session
    }

    /// Kills until the goal is reached, looking for what was acknowledged every now and then.
    pub(crate) fn run(mut self, goal: &Goal) -> Self {
        loop {
            let phone_left = goal.phone.saturating_sub(self.figures.phone.hit);
            let relay_left = goal.relay.saturating_sub(self.figures.relay.hit);
            if phone_left + relay_left == 0 {
                break;
            }
            let relay = self.random.below(phone_left + relay_left) < relay_left;
            match relay {
                true => self.kill_relay(),
                false => self.kill_phone(),
            }
            let (copies, kills) = (self.figures.restores, self.figures.relay.hit);
            if relay && copies < goal.copies && kills * (goal.copies + 1) > goal.relay * copies {
                self.check_copy();
            }
            let tried = self.figures.phone.tried + self.figures.relay.tried;
            if tried.is_multiple_of(LOOK_EVERY) {
                self.settle();
            }
        }
        self.settle();
        self.check_restored();
        for kills in [&self.figures.phone, &self.figures.relay] {
            let hit = kills.tried < TOO_FEW || kills.hit * 3 >= kills.tried;
            assert!(hit, "most came too late: {:?}", self.figures);
        }
        assert!(!self.relay.told().contains("panicked"), "{}", self.relay.told());
        self
    }

    /// With the relay alive a sync gets everything through, and all is as it was acknowledged.
    pub(crate) fn settle(&mut self) {
        self.relay.resume();
        self.look();
        let ended = self.spawn_and_wait(&["sync"]);
        let report = ended.said().unwrap_or_else(|| panic!("the relay is on: {ended:?}"));
        assert_eq!((&report["waiting"], &report["complete"]), (&json!(0), &json!(true)));
        self.pace.learn("sync", ended.took);
        self.hear(&report);
        self.ledger.synced();
        let status = self.ask(&["status"]);
        assert_eq!((&status["waiting"], &status["on_relay"]), (&json!(0), &status["entries"]));
    }

    /// Compares what the phone shows with what it acknowledged.
    pub(crate) fn look(&mut self) {
        let rows = self.ask(&["timeline"]);
        self.ledger.check(&rows);
        self.ledger.check_plan(&self.ask(&["plan", "show"]));
        assert_eq!(self.ask(&["status"])["entries"], rows.as_array().unwrap().len());
        assert_eq!(self.ask(&["verify"]), json!({ "ok": true, "problems": [] }));
    }

    /// Nobody is alarmed by kills, also not where a start of the relay was cut short.
    pub(crate) fn hear(&self, report: &Json) {
        assert_eq!(report["alarms"], json!([]), "{report}");
    }

    pub(crate) fn ask(&self, args: &[&str]) -> Json {
        let said = self.phone.run(&[args, &["--json"]].concat());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.phone.spawn(&[args, &["--json"]].concat())
    }

    pub(crate) fn spawn_and_wait(&self, args: &[&str]) -> Ended {
        Ended::of(self.spawn(args), Moment::Never)
    }
}

/// The line of figures.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { phone, relay, starts, offline, restores } = &self.figures;
        write!(f, "{} of {} kills hit the phone at work, ", phone.hit, phone.tried)?;
        write!(f, "{} of {} the relay in a sync, ", relay.hit, relay.tried)?;
        write!(f, "{} of {} the relay in its start; ", starts.hit, starts.tried)?;
        let ledger = &self.ledger;
        let (edits, items) = (ledger.edits_acknowledged, ledger.items_acknowledged);
        write!(f, "{} entries, {edits} edits ", ledger.entries_acknowledged)?;
        write!(f, "and {items} items of the plan acknowledged, all there; {restores} restores ")?;
        write!(f, "checked; {offline} syncs said that the relay was off")
    }
}
