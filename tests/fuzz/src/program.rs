//! The long form. Each target runs in a process of its own, so that what kills a process (a stack that
//! overflows, memory that is not there) is a finding as well.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use mainstay_fuzz::run::{self, Failure, Plan, Report};
use mainstay_fuzz::targets::{self, Target};

const USAGE: &str = "\
mainstay-fuzz [--seconds N] [--seed N] [TARGET …]   all targets, or these, sharing so many seconds (60)
mainstay-fuzz --replay FILE TARGET                  one input again
mainstay-fuzz --list                                the targets
";

struct Options {
    seconds: u64,
    seed: u64,
    replay: Option<PathBuf>,
    /// Only inside: this process is the one that may be killed.
    worker: bool,
    /// Only inside: write each input down before it is fed.
    careful: Option<PathBuf>,
    names: Vec<String>,
}

pub(crate) fn main(arguments: Vec<String>) -> ExitCode {
    if arguments.iter().any(|argument| argument == "--list") {
        targets::all().for_each(|target| println!("{}", target.name));
        return ExitCode::SUCCESS;
    }
    let chosen = options(arguments).and_then(|options| {
        let chosen = chosen(&options.names)?;
        Ok((options, chosen))
    });
    match chosen {
        Err(why) => {
            eprint!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
        Ok((options, chosen)) if options.replay.is_some() || options.worker => {
            alone(&options, &chosen)
        }
        Ok((options, chosen)) => each(&options, &chosen),
    }
}

fn options(arguments: Vec<String>) -> Result<Options, String> {
    let (replay, careful, names) = Default::default();
    let mut options = Options { seconds: 60, seed: 1, replay, worker: false, careful, names };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match argument.as_str() {
            "--seconds" => options.seconds = value().and_then(number)?,
            "--seed" => options.seed = value().and_then(number)?,
            "--replay" => options.replay = Some(value()?.into()),
            "--careful" => options.careful = Some(value()?.into()),
            "--worker" => options.worker = true,
            flag if flag.starts_with('-') => return Err(format!("{flag} is not known")),
            name => options.names.push(name.to_owned()),
        }
    }
    Ok(options)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>, String> {
    if names.is_empty() {
        return Ok(targets::all().collect());
    }
    let named = |name: &String| targets::named(name).ok_or(format!("there is no target {name}"));
    names.iter().map(named).collect()
}

/// Each target in a process of its own.
fn each(options: &Options, chosen: &[&Target]) -> ExitCode {
    let time = Duration::from_secs(options.seconds) / chosen.len().max(1) as u32;
    println!(
        "seed {}, {:.1} s for each of {} targets",
        options.seed,
        time.as_secs_f64(),
        chosen.len()
    );
    println!(
        "{:<20} {:>10} {:>10} {:>9} {:>8}  slowest",
        "target", "inputs", "read", "peak KiB", "of bytes"
    );
    let mut failed = false;
    for target in chosen {
        match worker(options, target, time, None) {
            Some(0) => {}
            Some(_) => failed = true,
            None => {
                failed = true;
                killed(options, target, time);
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// How a worker ended; none if something killed it.
fn worker(
    options: &Options,
    target: &Target,
    time: Duration,
    careful: Option<&Path>,
) -> Option<i32> {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--worker", "--seed", &options.seed.to_string()]);
    command.args(["--seconds", &time.as_secs().max(1).to_string(), target.name]);
    if let Some(file) = careful {
        command.arg("--careful").arg(file).stdout(Stdio::null());
    }
    command.status().expect("a worker starts").code()
}

/// Finds the input that killed a worker: the same inputs come again, each written down before.
fn killed(options: &Options, target: &Target, time: Duration) {
    let file = kept(target, b"", "killed");
    match worker(options, target, time * 20, Some(&file)) {
        None => say(target, "killed its process", &file),
        Some(_) => println!("{}: its process was killed, and not a second time", target.name),
    }
}

fn alone(options: &Options, chosen: &[&Target]) -> ExitCode {
    let mut failed = false;
    for target in chosen {
        let result = match &options.replay {
            Some(file) => {
                let input = std::fs::read(file).expect("the input can be read");
                run::replay(target, &input)
            }
            None => {
                let time = Duration::from_secs(options.seconds);
                let before = options.careful.clone();
                run::run(target, &Plan { seed: options.seed, executions: u64::MAX, time, before })
            }
        };
        match result {
            Ok(report) => show(target, &report),
            Err(Failure { input, why }) => {
                failed = true;
                say(target, &why, &kept(target, &input, "failed"));
            }
        }
    }
    // A thread that hangs is left behind: the process ends all the same.
    std::process::exit(i32::from(failed));
}

fn show(target: &Target, report: &Report) {
    let Report { executions, read, peak_bytes, peak_input_bytes, slowest, slowest_input } = report;
    let peak = peak_bytes >> 10;
    let ms = slowest.as_secs_f64() * 1000.0;
    let slow = slowest_input.len();
    let name = target.name;
    println!(
        "{name:<20} {executions:>10} {read:>10} {peak:>9} {peak_input_bytes:>8}  {ms:.1} ms, {slow} bytes"
    );
}

fn say(target: &Target, why: &str, file: &Path) {
    let (name, file) = (target.name, file.display());
    println!("{name}: {why}\n  the input is in {file}; to feed it again:");
    println!("  cargo run --release -p mainstay-fuzz -- --replay {file} {name}");
}

/// Writes an input where the build's files are.
fn kept(target: &Target, input: &[u8], what: &str) -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    let folder = program.parent().and_then(Path::parent).expect("it lies in a profile's folder");
    let folder = folder.join("fuzz");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let sum = mainstay_protocol::hash::Hash::of("input", &[input]);
    let name = format!("{}-{what}-{:02x}{:02x}{:02x}", target.name, sum.0[0], sum.0[1], sum.0[2]);
    let file = folder.join(name);
    std::fs::write(&file, input).expect("the input can be kept");
    file
}
