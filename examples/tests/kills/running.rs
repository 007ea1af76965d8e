//! Running a command of the phone's, and killing it at a chosen moment.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::random::Random;

/// How long a command may take before it counts as hung. A sync waits 30 seconds for one answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// What kill -9 sends.
const SIGKILL: i32 = 9;

/// When a command is to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is left to end by itself.
    Never,
    /// So long after its start.
    After(Duration),
    /// As soon as it has said that it is done.
    AtItsWord,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: it was killed in the middle.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Ended {
    /// The JSON value that it printed; none if the line is not whole.
    pub(crate) fn said(&self) -> Option<Json> {
        self.out.ends_with('\n').then(|| serde_json::from_str(&self.out).unwrap())
    }

    /// Lets a command run up to that moment. It ends by our hand, or with 0, or with 1 and a reason.
    pub(crate) fn of(mut child: Child, moment: Moment) -> Self {
        let begun = Instant::now();
        drop(child.stdin.take());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut out = String::new();
        match moment {
            Moment::Never => {}
            Moment::After(delay) => std::thread::sleep(delay),
            Moment::AtItsWord => drop(stdout.read_line(&mut out).unwrap()),
        }
        if moment != Moment::Never {
            child.kill().unwrap();
        }
        let status = wait(&mut child);
        let took = begun.elapsed();
        stdout.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let ended = Self { code: status.code(), out, err, took };
        ended.check(status, moment);
        ended
    }

    fn check(&self, status: ExitStatus, moment: Moment) {
        assert!(!format!("{}{}", self.out, self.err).contains("panicked"), "{self:?}");
        match self.code {
            Some(0) => assert!(self.said().is_some(), "{self:?}"),
            Some(1) => assert!(self.err.starts_with("phone "), "no reason: {self:?}"),
            Some(_) => panic!("{self:?}"),
            None => {
                assert_eq!(status.signal(), Some(SIGKILL), "{self:?}");
                assert_ne!(moment, Moment::Never, "somebody else killed it: {self:?}");
            }
        }
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > give_up {
            child.kill().unwrap();
            panic!("a command hung");
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// How long each command usually takes, on this machine at this hour.
#[derive(Debug, Default)]
pub(crate) struct Pace(BTreeMap<&'static str, Duration>);

impl Pace {
    /// Learns from a command that nobody disturbed.
    pub(crate) fn learn(&mut self, verb: &'static str, took: Duration) {
        let known = self.0.entry(verb).or_insert(took);
        *known = (*known * 3 + took) / 4;
    }

    pub(crate) fn of(&self, verb: &str) -> Duration {
        self.0[verb]
    }

    /// Where to kill a command: anywhere in its usual time, or right at its word.
    pub(crate) fn moment(&self, verb: &str, random: &mut Random) -> Moment {
        match random.one_in(4) {
            true => Moment::AtItsWord,
            false => Moment::After(random.within(self.of(verb))),
        }
    }
}
