//! Two people, a counsellor and one relay, played through by a seed: what each of them may know of
//! the others is held against what their devices hold.

mod checks;
mod editing;
mod faults;
mod giving;
mod meeting;
mod showing;
mod steps;
mod syncing;
mod ties;

use std::collections::{BTreeMap, BTreeSet};

use mainstay_protocol::ids::SpaceId;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use self::ties::{Tie, Word};
use super::script::Script;
use super::{CHOICES, Failure, KEYS, Sim, knowledge};
use crate::network::Line;
use crate::world::{Phone, World};

/// Steps that one seed plays, at least; fewer than twice as many.
pub const STEPS: u32 = 24;

const ANA: usize = 0;
const BEN: usize = 1;
const COUNSELLOR: usize = 2;

/// One device of one of the people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    person: usize,
    device: usize,
}

/// The people, their relay, and everything that is true about what they share.
struct Care {
    world: World,
    choices: ChaCha20Rng,
    script: Script,
    people: Vec<Sim>,
    ties: Vec<Tie>,
    words: Vec<Word>,
    /// How far the clock of a device is ahead, by person and the device's id.
    clocks: BTreeMap<(usize, u32), i64>,
    /// Counsellor's devices that have completed a sync of a share, and how often the relay had lost
    /// something by then.
    synced: BTreeMap<(SpaceId, u32), u32>,
    /// Of which of those a person's device (person and id) has heard: both were at the relay, and it
    /// lost nothing in between.
    told: BTreeSet<(SpaceId, usize, u32, u32)>,
    relay_backups: Vec<mainstay_store::MemoryStore>,
    trace: Vec<String>,
    step: u32,
}

/// Plays one run.
///
/// # Errors
/// What was not as it should be, with the trace up to there.
pub fn play(script: &Script) -> Result<Vec<String>, (Failure, Vec<String>)> {
    knowledge::begin();
    let mut care = Care::new(script);
    match care.run() {
        Ok(()) => Ok(care.trace),
        Err(failure) => Err((failure, care.trace)),
    }
}

/// The one line that replays a failing run.
pub fn replay_line(script: &Script) -> String {
    let variables = script.variables();
    format!(
        "{variables} cargo test --release -p mainstay-tests --test simulator people_and -- --nocapture"
    )
}

impl Care {
    fn new(script: &Script) -> Self {
        let seed = script.seed;
        let mut world = World::new(seed);
        world.plant = script.plant;
        let mut people = Vec::new();
        for who in ["ana's ", "ben's ", "the counsellor's "] {
            // A world of the person's own stands in while somebody else acts in the real one.
            let theirs = World::new(seed);
            let real = std::mem::replace(&mut world, theirs);
            let mut person = Sim::of(real, script, who);
            std::mem::swap(&mut world, &mut person.world);
            people.push(person);
        }
        Self {
            world,
            choices: script.source(u32::MAX, CHOICES),
            script: script.clone(),
            people,
            ties: Vec::new(),
            words: Vec::new(),
            clocks: BTreeMap::new(),
            synced: BTreeMap::new(),
            told: BTreeSet::new(),
            relay_backups: Vec::new(),
            trace: Vec::new(),
            step: 0,
        }
    }

    fn run(&mut self) -> Result<(), Failure> {
        for person in [ANA, COUNSELLOR] {
            self.on(At { person, device: 0 }, |sim, host| sim.link_from(host, "second"))?;
        }
        for owner in [ANA, BEN] {
            self.sync(At { person: owner, device: 0 }, &mut Line::default())?;
            for _ in 0..1 + self.below(3) {
                self.log(At { person: owner, device: 0 })?;
            }
            if self.chance(80) {
                self.meet(owner)?;
            }
        }
        let steps = STEPS + self.below(STEPS);
        for step in 0..steps {
            self.begin_step(step);
            if !self.script.skip.contains(&step) {
                self.play_step()?;
            }
            self.check_delivery()?;
        }
        self.settle()?;
        self.check_order()
    }

    fn begin_step(&mut self, step: u32) {
        self.step = step;
        self.choices = self.script.source(step, CHOICES);
        self.world.rng = self.script.source(step, KEYS);
        for (which, person) in (KEYS + 1..).zip(&mut self.people) {
            person.choices = self.script.source(step, which);
        }
    }

    /// Lets somebody act in the world, by the clock of their device.
    fn on<T>(&mut self, at: At, work: impl FnOnce(&mut Sim, usize) -> T) -> T {
        let sim = &mut self.people[at.person];
        let id = sim.devices.get(at.device).map(|device| device.id);
        let ahead = id.and_then(|id| self.clocks.get(&(at.person, id))).copied().unwrap_or(0);
        std::mem::swap(&mut self.world, &mut sim.world);
        std::mem::swap(&mut self.trace, &mut sim.trace);
        sim.step = self.step;
        sim.world.now_ms += ahead;
        sim.ahead_ms = ahead;
        sim.world.relay_ahead_ms -= ahead;
        sim.known.latest_ms = sim.known.latest_ms.max(sim.world.now_ms);
        let done = work(sim, at.device);
        sim.world.now_ms -= ahead;
        sim.world.relay_ahead_ms += ahead;
        std::mem::swap(&mut self.trace, &mut sim.trace);
        std::mem::swap(&mut self.world, &mut sim.world);
        done
    }

    /// The same, with one device and its time.
    fn ask<T>(&mut self, at: At, work: impl FnOnce(&mut Phone, i64) -> T) -> T {
        self.on(at, |sim, device| {
            let now_ms = sim.world.now_ms;
            work(&mut sim.devices[device].phone, now_ms)
        })
    }

    fn label(&self, at: At) -> String {
        let sim = &self.people[at.person];
        format!("{}{}", sim.who, sim.devices[at.device].label)
    }

    fn id(&self, at: At) -> u32 {
        self.people[at.person].devices[at.device].id
    }

    /// All devices of a person.
    fn all(&self, person: usize) -> Vec<At> {
        (0..self.people[person].devices.len()).map(|device| At { person, device }).collect()
    }

    fn any(&mut self, person: usize) -> At {
        let device = self.below(self.people[person].devices.len() as u32) as usize;
        At { person, device }
    }

    fn say(&mut self, what: impl Into<String>) {
        self.trace.push(format!("{:>3}  {}", self.step, what.into()));
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.choices.next_u32() % bound.max(1)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// Whether the relay has lost anything so far.
    fn harmed(&self) -> bool {
        self.people[ANA].known.harm > 0
    }
}
