//! Feeds a target and watches it.

mod hung;
mod panics;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::memory;
use crate::mutate::{Mutator, always};
use crate::targets::Target;

/// One input may take so long, however busy the machine is. The slowest that is known takes a
/// hundredth of it.
pub const MAX_TIME: Duration = Duration::from_secs(10);
/// The stack that a target gets: half of what a thread has by default.
const STACK_BYTES: usize = 1 << 20;

/// How long to go on, and with what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The inputs follow from it.
    pub seed: u64,
    /// To stop after so many.
    pub executions: u64,
    /// To stop after so long.
    pub time: Duration,
    /// Where to write each input before it is fed, for what kills the process.
    pub before: Option<PathBuf>,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Inputs fed.
    pub executions: u64,
    /// Those that the target could read.
    pub read: u64,
    /// The most memory that one took, in bytes.
    pub peak_bytes: usize,
    /// The length of that one, in bytes.
    pub peak_input_bytes: usize,
    /// The longest time that one took.
    pub slowest: Duration,
    /// That one.
    pub slowest_input: Vec<u8>,
}

/// An input that a target does not stand.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub why: String,
}

/// Memory is counted for the whole process: one target at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Feeds a target its examples, what every target gets, and then inputs made of the examples.
///
/// # Errors
/// The first input that the target does not stand.
pub fn run(target: &Target, plan: &Plan) -> Result<Report, Failure> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    watched(target, plan.clone(), |target, plan, watch| {
        let examples = (target.examples)();
        let mut report = Report::default();
        let end = Instant::now() + plan.time;
        let first = examples.iter().cloned().chain(always());
        let mut mutator =
            Mutator::new((plan.seed, target.name), target.form, &examples, target.max_bytes);
        for input in first.chain(std::iter::repeat_with(|| mutator.next_input())) {
            feed(target, &input, watch, plan, &mut report)?;
            if report.executions >= plan.executions || Instant::now() >= end {
                break;
            }
        }
        Ok(report)
    })
}

/// Feeds a target one input.
///
/// # Errors
/// If it does not stand it.
pub fn replay(target: &Target, input: &[u8]) -> Result<Report, Failure> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = Plan { seed: 0, executions: 1, time: MAX_TIME, before: None };
    let input = input.to_vec();
    watched(target, plan, move |target, plan, watch| {
        let mut report = Report::default();
        feed(target, &input, watch, plan, &mut report).map(|()| report)
    })
}

type Watch = std::sync::Arc<hung::Watch>;

/// Runs on a thread of its own, so that one that hangs can be left behind.
fn watched(
    target: &Target,
    plan: Plan,
    work: impl FnOnce(&Target, &Plan, &hung::Watch) -> Result<Report, Failure> + Send + 'static,
) -> Result<Report, Failure> {
    panics::record();
    let (done, wait) = mpsc::channel();
    let watch = Watch::default();
    let (target, seen) = (target.clone(), watch.clone());
    let thread = std::thread::Builder::new().name(panics::THREAD.into()).stack_size(STACK_BYTES);
    let spawned = thread.spawn(move || {
        let _ = done.send(work(&target, &plan, &seen));
    });
    spawned.expect("a thread starts");
    loop {
        match wait.recv_timeout(Duration::from_millis(200)) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Timeout) => watch.check(MAX_TIME)?,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let why = format!("the harness itself failed: {}", panics::last());
                return Err(Failure { input: watch.input(), why });
            }
        }
    }
}

fn feed(
    target: &Target,
    input: &[u8],
    watch: &hung::Watch,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Failure> {
    if let Some(before) = &plan.before {
        std::fs::write(before, input).expect("the input can be kept");
    }
    watch.begin(input);
    let begun = Instant::now();
    let (result, peak) = memory::peak_of(|| catch_unwind(AssertUnwindSafe(|| (target.run)(input))));
    let took = begun.elapsed();
    watch.end();
    let fail = |why| Err(Failure { input: input.to_vec(), why });
    let Ok(read) = result else { return fail(format!("panicked: {}", panics::last())) };
    let bound = target.bound.bytes(input.len());
    if peak > bound {
        return fail(format!("took {peak} bytes of memory where {bound} are allowed"));
    }
    report.executions += 1;
    report.read += u64::from(read);
    if peak > report.peak_bytes {
        (report.peak_bytes, report.peak_input_bytes) = (peak, input.len());
    }
    if took > report.slowest {
        report.slowest = took;
        report.slowest_input = input.to_vec();
    }
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
