//! What is done to the phone and the relay, one command at a time.

use std::time::Duration;

use serde_json::json;

use crate::ledger::{mood, sign};
use crate::running::{Ended, Moment};
use crate::session::Session;

/// Lines of a file to import: one batch of the engine's, which takes 32 at once.
const LINES: u64 = 24;

impl Session {
    /// Kills the phone in some command.
    pub(crate) fn kill_phone(&mut self) {
        match self.random.below(10) {
            0..=2 => self.log(true),
            3..=4 => self.edit(true),
            5 => self.plan(true),
            6 => self.import(true),
            _ => self.sync_killed(),
        }
    }

    /// Runs a command of the phone's, killed or not.
    fn command(&mut self, verb: &'static str, args: &[&str], kill: bool) -> Ended {
        let moment = match kill {
            true => self.pace.moment(verb, &mut self.random),
            false => Moment::Never,
        };
        let ended = Ended::of(self.spawn(args), moment);
        assert_ne!(ended.code, Some(1), "{args:?} needs nobody else: {ended:?}");
        match moment {
            Moment::Never => self.pace.learn(verb, ended.took),
            // It had ended before: it is quicker than was thought.
            Moment::After(late) if ended.code.is_some() => {
                self.pace.learn(verb, late.min(self.pace.of(verb)));
            }
            _ => {}
        }
        if moment != Moment::Never {
            self.figures.phone.count(ended.code.is_none());
        }
        ended
    }

    pub(crate) fn log(&mut self, kill: bool) {
        let (mark, version) = self.ledger.entry(None);
        let (mood, sign) = (mood(version).to_string(), sign(version));
        let mut args = vec!["log", "check-in", "--mood", &mood, "--signs", &sign, "--note", &mark];
        let day = self.random.day();
        if self.random.one_in(2) {
            args.extend(["--at", &day]);
        }
        if let Some(said) = self.command("log", &args, kill).said() {
            self.ledger.wrote(&mark, said["id"].as_str(), said["at"].as_str());
        }
    }

    pub(crate) fn edit(&mut self, kill: bool) {
        let Some((mark, id, version)) = self.ledger.edit(&mut self.random) else { return };
        let (mood, sign) = (format!("mood={}", mood(version)), format!("signs={}", sign(version)));
        let args = ["edit", &id, "--set", &mood, "--set", &sign];
        if self.command("edit", &args, kill).said().is_some() {
            self.ledger.edited(&mark);
        }
    }

    pub(crate) fn plan(&mut self, kill: bool) {
        let mark = self.ledger.item();
        let detail = format!("reach={mark}");
        let args = ["plan", "add", "supports", &mark, "--detail", &detail];
        if self.command("plan", &args, kill).said().is_some() {
            self.ledger.added(&mark);
        }
    }

    /// Imports a small file, and, if that was cut short, in half of the cases once more.
    pub(crate) fn import(&mut self, kill: bool) {
        let file = self.random.next();
        let marks: Vec<_> = (0..LINES).map(|_| self.ledger.entry(Some(file))).collect();
        let lines = marks.iter().map(|(mark, version)| {
            let line = json!({
                "kind": "check-in",
                "at": self.random.day(),
                "mood": mood(*version),
                "signs": [sign(*version)],
                "note": mark,
            });
            format!("{line}\n")
        });
        let text: String = lines.collect();
        let path = self.dir.path().join("some.ndjson");
        std::fs::write(&path, text).unwrap();
        let args = ["import", path.to_str().unwrap()];
        let mut said = self.command("import", &args, kill).said();
        if said.is_none() && self.random.one_in(2) {
            said = self.spawn_and_wait(&args).said();
        }
        let Some(said) = said else { return };
        let (added, known) = (&said["added"], &said["known"]);
        let whole = [(LINES, 0), (0, LINES)].iter().any(|(a, k)| added == a && known == k);
        assert!(whole && said["rejected"] == json!([]), "only a part of a file came in: {said}");
        marks.iter().for_each(|(mark, _)| self.ledger.wrote(mark, None, None));
    }

    /// Something to send, and a sync in which the phone dies.
    fn sync_killed(&mut self) {
        self.relay.resume();
        self.something_to_send();
        let ended = self.command("sync", &["sync"], true);
        if let Some(report) = ended.said() {
            assert_eq!((&report["waiting"], &report["complete"]), (&json!(0), &json!(true)));
            self.hear(&report);
            self.ledger.synced();
        }
    }

    fn something_to_send(&mut self) {
        match self.random.below(6) {
            0 => self.import(false),
            1 => self.plan(false),
            2 => self.edit(false),
            times => (2..times).for_each(|_| self.log(false)),
        }
    }

    /// Something to send, and a sync in which the relay dies; sometimes the phone dies as well.
    /// Leaves the relay dead or alive.
    pub(crate) fn kill_relay(&mut self) {
        self.relay.resume();
        self.something_to_send();
        let usual = self.pace.of("sync");
        // A dead relay is waited for up to 30 seconds; most people have gone by then.
        let budget = format!("{}ms", (usual * 4).as_millis().clamp(200, 1500));
        let patient = self.figures.relay.hit % 50 == 49;
        let args = match patient {
            true => vec!["sync"],
            false => vec!["sync", "--budget", &budget],
        };
        let mut child = self.spawn(&args);
        let delay = self.random.within(usual);
        std::thread::sleep(delay);
        let at_work = child.try_wait().unwrap().is_none();
        self.relay.kill();
        self.figures.relay.count(at_work);
        if !at_work {
            self.pace.learn("sync", delay.min(usual));
        }
        if self.random.one_in(2) {
            self.restart_relay();
        }
        let moment = match at_work && !patient && self.random.one_in(3) {
            true => Moment::After(self.random.within(usual)),
            false => Moment::Never,
        };
        let ended = Ended::of(child, moment);
        if moment != Moment::Never {
            self.figures.phone.count(ended.code.is_none());
        }
        self.heard_from_a_dead_relay(&ended);
    }

    /// Whatever a sync says although its relay died: that it is done, and then it is; that the time ran
    /// out; or that the relay cannot be reached.
    fn heard_from_a_dead_relay(&mut self, ended: &Ended) {
        if let Some(report) = ended.said() {
            self.hear(&report);
            if report["complete"] == json!(true) && report["waiting"] == json!(0) {
                self.ledger.synced();
            }
        }
        if ended.code == Some(1) {
            let clear = ended.err.contains("the relay cannot be reached")
                && ended.err.contains("everything is safe on this device");
            assert!(clear, "{ended:?}");
            self.figures.offline += 1;
        }
    }

    /// Starts the relay again; now and then it dies before it serves.
    fn restart_relay(&mut self) {
        if self.random.one_in(4) {
            let after = self.random.within(self.relay.start.max(Duration::from_millis(1)));
            let cut = self.relay.start_and_kill(after);
            self.figures.starts.count(cut);
        }
        self.relay.resume();
    }
}
