//! What a worker said, line by line, and what follows from it for whoever looks at its disk.

use std::collections::BTreeMap;

use mainstay_core::space::phrase::Phrase;

use crate::contents::{Contents, State};
use crate::keys::Keys;
use crate::known::Known;
use crate::session::Step;

/// What was said up to some moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// What the platform's key store holds.
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    /// The twelve words, once the person has seen them.
    pub(crate) phrase: Option<String>,
    /// What has to be on the phone.
    pub(crate) phone: Known,
    /// What has to be on the relay: what a complete sync was told to have brought there.
    pub(crate) relay: Known,
    /// Whether a complete sync was told.
    pub(crate) synced: bool,
    /// The phone as that sync left it.
    at_sync: Known,
    /// A sync began after that.
    pub(crate) may_have_synced: bool,
    /// The step under way, and the phone before it.
    attempt: Option<(Step, Known)>,
    /// Where the relay listens.
    pub(crate) relay_port: u16,
    /// How many lines.
    pub(crate) lines: usize,
}

impl Told {
    /// Reads whole lines.
    pub(crate) fn read(&mut self, lines: &str) {
        for line in lines.lines() {
            self.lines += 1;
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "secret" => self.secret(rest),
                "phrase" => self.phrase = Some(rest.to_owned()),
                "will" => self.will(rest.parse().unwrap()),
                "did" => self.did(rest),
                "on-relay" => self.on_relay(rest.parse().unwrap()),
                "relay-port" => self.relay_port = rest.parse().unwrap(),
                "failed" => self.attempt = None,
                _ => panic!("the worker said {line:?}"),
            }
        }
    }

    /// The key store as it is at this moment.
    pub(crate) fn keys(&self) -> Keys {
        Keys::holding(self.secrets.clone())
    }

    /// The twelve words as a person types them in.
    pub(crate) fn phrase(&self) -> Option<Phrase> {
        self.phrase.as_ref().map(|words| Phrase::parse(words).unwrap())
    }

    /// How many entries of a phone the last complete sync has brought to the relay as they stand
    /// now: more than these it may not claim, unless a sync has begun since.
    pub(crate) fn claimable(&self, phone: &Contents) -> u64 {
        let live = phone.entries.iter().filter(|(_, state)| matches!(state, State::Live(_)));
        live.filter(|(id, state)| self.at_sync.has(id, state)).count() as u64
    }

    fn secret(&mut self, rest: &str) {
        let (id, hex) = rest.split_once(' ').unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        self.secrets.insert(id.to_owned(), (0..hex.len()).step_by(2).map(byte).collect());
    }

    fn will(&mut self, step: Step) {
        let before = self.phone.clone();
        self.phone.may(&step);
        self.relay.may(&step);
        self.may_have_synced |= step == Step::Sync;
        self.attempt = Some((step, before));
    }

    fn did(&mut self, rest: &str) {
        let (step, before) = self.attempt.take().unwrap();
        self.phone = before;
        match (&step, rest.rsplit_once(' ')) {
            (Step::Log(text), Some((_, id))) => {
                let id = id.parse().unwrap();
                self.phone.logged(id, *text, true);
                self.relay.logged(id, *text, false);
            }
            _ => self.phone.must(&step),
        }
    }

    /// A sync was complete, nothing waited, and the status said so many.
    fn on_relay(&mut self, claimed: u64) {
        let live = self.phone.live();
        assert!(live.contains(&claimed), "the phone claims {claimed} of {live:?} on the relay");
        (self.relay, self.at_sync) = (self.phone.clone(), self.phone.clone());
        (self.synced, self.may_have_synced) = (true, false);
    }
}
