//! A world played through by a seed: every step, every fault and every random byte follows from one
//! number, so that what failed once fails again.

mod checks;
mod claims;
mod device;
mod faults;
mod knowledge;
pub mod script;
pub mod shares;
mod steps;
mod writing;

use mainstay_core::engine::EngineError;
use mainstay_core::space::phrase::Phrase;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use self::device::Device;
use self::knowledge::Knowledge;
use self::script::Script;
use crate::world::World;

/// What went wrong.
pub type Failure = String;

/// Steps that one seed plays, at least; fewer than twice as many.
pub const STEPS: u32 = 40;
/// The sources of chance: what happens, and every random byte.
const CHOICES: u32 = 0;
const KEYS: u32 = 1;
/// Rounds of syncs of every device after the last fault, within which everything must be in order.
pub const ROUNDS_TO_ORDER: usize = 6;

/// A world, the devices in it, and everything that is true about them.
pub struct Sim {
    world: World,
    /// Whose devices these are, where a world holds several people's.
    who: &'static str,
    choices: ChaCha20Rng,
    script: Script,
    phrase: Phrase,
    devices: Vec<Device>,
    known: Knowledge,
    /// The relay's store as it was at some moments.
    relay_backups: Vec<mainstay_store::MemoryStore>,
    /// What happened, for a replay.
    pub trace: Vec<String>,
    step: u32,
    names: u32,
    /// How far the clock is ahead of whoever acts, where each has their own.
    ahead_ms: i64,
}

/// Plays one run.
///
/// # Errors
/// What was not as it should be, with the trace up to there.
pub fn play(script: &Script) -> Result<Vec<String>, (Failure, Vec<String>)> {
    knowledge::begin();
    let mut sim = Sim::new(script);
    match sim.run() {
        Ok(()) => Ok(sim.trace),
        Err(failure) => Err((failure, sim.trace)),
    }
}

/// The one line that replays a failing run.
pub fn replay_line(script: &Script) -> String {
    let variables = script.variables();
    format!(
        "{variables} cargo test --release -p mainstay-tests --test simulator devices_and -- --nocapture"
    )
}

impl Sim {
    fn new(script: &Script) -> Self {
        let mut world = World::new(script.seed);
        world.plant = script.plant;
        Self::of(world, script, "")
    }

    /// Somebody with one device.
    fn of(mut world: World, script: &Script, who: &'static str) -> Self {
        let choices = script.source(u32::MAX, CHOICES);
        let phrase = Phrase::make(&mut world.rng);
        let phone = world.phone(&phrase);
        let devices = vec![Device::new(0, phone)];
        let (known, relay_backups, trace) = Default::default();
        let (step, names) = (0, 0);
        let ahead_ms = 0;
        Self {
            world,
            who,
            choices,
            script: script.clone(),
            phrase,
            devices,
            known,
            relay_backups,
            trace,
            step,
            names,
            ahead_ms,
        }
    }

    fn run(&mut self) -> Result<(), Failure> {
        for name in ["second", "third"] {
            self.link_from(0, name)?;
        }
        let steps = STEPS + self.below(STEPS);
        for step in 0..steps {
            self.step = step;
            self.choices = self.script.source(step, CHOICES);
            self.world.rng = self.script.source(step, KEYS);
            if !self.script.skip.contains(&step) {
                self.play_step()?;
            }
            self.check_claims()?;
        }
        self.settle()?;
        self.check_order()
    }

    fn say(&mut self, what: impl Into<String>) {
        self.trace.push(format!("{:>3}  {}{}", self.step, self.who, what.into()));
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.choices.next_u32() % bound.max(1)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A device that can be used.
    fn any(&mut self) -> usize {
        let at = self.below(self.devices.len() as u32);
        at as usize
    }

    fn failed(&self, device: usize, what: &str, error: &EngineError) -> Failure {
        format!("{}: {what}: {error:?}", self.devices[device].label)
    }
}
