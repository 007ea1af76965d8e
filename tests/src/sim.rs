//! A world played through by a seed: every step, every fault and every random byte follows from one
//! number, so that what failed once fails again.

mod checks;
mod claims;
mod device;
mod faults;
mod knowledge;
pub mod shares;
mod steps;
mod writing;

use mainstay_core::engine::EngineError;
use mainstay_core::space::phrase::Phrase;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use self::device::Device;
use self::knowledge::Knowledge;
use crate::world::{Plant, World};

/// What went wrong.
pub type Failure = String;

/// Steps that one seed plays, at least; at most twice as many.
const STEPS: u32 = 40;
/// Rounds of syncs of every device after the last fault, within which everything must be in order.
pub const ROUNDS_TO_ORDER: usize = 6;

/// A world, the devices in it, and everything that is true about them.
pub struct Sim {
    world: World,
    /// Whose devices these are, where a world holds several people's.
    who: &'static str,
    choices: ChaCha20Rng,
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

/// Plays one seed.
///
/// # Errors
/// What was not as it should be, with the trace up to there.
pub fn play(seed: u64, plant: Plant) -> Result<Vec<String>, (Failure, Vec<String>)> {
    knowledge::begin();
    let mut sim = Sim::new(seed, plant);
    match sim.run() {
        Ok(()) => Ok(sim.trace),
        Err(failure) => Err((failure, sim.trace)),
    }
}

/// The one line that replays a failing seed.
pub fn replay_line(seed: u64) -> String {
    format!(
        "MAINSTAY_SEED={seed} cargo test --release -p mainstay-tests --test simulator devices_and -- --nocapture"
    )
}

impl Sim {
    fn new(seed: u64, plant: Plant) -> Self {
        let mut world = World::new(seed);
        world.plant = plant;
        let choices = ChaCha20Rng::seed_from_u64(seed ^ 0x5eed_5eed_5eed_5eed);
        Self::of(world, choices, "")
    }

    /// Somebody with one device.
    fn of(mut world: World, choices: ChaCha20Rng, who: &'static str) -> Self {
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
            self.play_step()?;
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
