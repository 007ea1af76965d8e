//! Breaks the code in each way that `tests/mutations/` lists, in a copy under `target/`, and tells
//! which tests notice. Names (or parts of them) as arguments run only some.
//!
//! The end is 0 when every one was caught, 1 when one was missed, does not apply, does not compile, or
//! when its tests fail unbroken too.

// It is a program: it tells on the screen.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use mainstay_tests::mutations::{self, Mutation};

/// Tests that take longer hang, which is noticed too.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What the tests said.
enum Verdict {
    Passed(u32),
    Failed(Vec<String>),
    DoesNotCompile(String),
    Hung,
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &[String]) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    let all = mutations::listed(root)?;
    let named = |one: &&Mutation| wanted.is_empty() || wanted.iter().any(|w| one.name.contains(w));
    let some: Vec<&Mutation> = all.iter().filter(named).collect();
    if some.is_empty() {
        return Err("no mutation is called so; tests/mutations/ has their names".to_owned());
    }
    let place = root.join("target/mutations");
    let tree = copy(root, &place.join("tree")).map_err(|e| format!("copying the files: {e}"))?;
    let build = place.join("build");
    let (mut caught, begun) = (0, Instant::now());
    // All of them unbroken first: nothing is built again in between.
    let mut sound = Vec::new();
    for one in &some {
        match test(&tree, &build, one)? {
            Verdict::Passed(0) => println!("NO TEST   {}: `{}` runs none", one.name, one.tests),
            Verdict::Passed(_) => sound.push(one),
            Verdict::DoesNotCompile(why) => println!("NO BUILD  {}, unbroken: {why}", one.name),
            Verdict::Failed(_) | Verdict::Hung => {
                println!("UNSOUND   {}: its tests fail unbroken too", one.name);
            }
        }
    }
    for one in sound {
        match broken(&tree, &build, one)? {
            Verdict::Failed(by) => {
                caught += 1;
                println!("caught    {}: by {}", one.name, by.join(", "));
            }
            Verdict::Hung => {
                caught += 1;
                println!("caught    {}: the tests hang", one.name);
            }
            Verdict::Passed(ran) => println!("MISSED    {}: {ran} tests pass", one.name),
            Verdict::DoesNotCompile(why) => println!("NO BUILD  {}: {why}", one.name),
        }
    }
    println!("{caught} of {} caught, {} min", some.len(), begun.elapsed().as_secs() / 60);
    Ok(caught == some.len())
}

/// The one that runs this, or else the first on the path: it knows which compiler is meant.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The files under version control, as they are now. What is there already and the same is left alone, with
/// the time of its last change: cargo builds by that, and a file that was broken and mended has to count as
/// changed.
fn copy(root: &Path, tree: &Path) -> std::io::Result<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut kept = BTreeSet::new();
    for name in names.split('\0').filter(|name| root.join(name).is_file()) {
        let (from, to) = (root.join(name), tree.join(name));
        let bytes = fs::read(from)?;
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().unwrap_or(tree))?;
            fs::write(&to, bytes)?;
        }
        kept.insert(to);
    }
    clear(tree, &kept)?;
    Ok(tree.to_path_buf())
}

/// Removes files that are not kept.
fn clear(folder: &Path, kept: &BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            clear(&path, kept)?;
        } else if !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn broken(tree: &Path, build: &Path, one: &Mutation) -> Result<Verdict, String> {
    let path = tree.join(&one.file);
    let whole = fs::read(&path).map_err(|e| e.to_string())?;
    let text = one.broken(tree)?;
    fs::write(&path, text).map_err(|e| e.to_string())?;
    let verdict = test(tree, build, one);
    fs::write(&path, whole).map_err(|e| e.to_string())?;
    verdict
}

fn test(tree: &Path, build: &Path, one: &Mutation) -> Result<Verdict, String> {
    let log = build.with_extension("log");
    fs::create_dir_all(build).and_then(|()| fs::write(&log, b"")).map_err(|e| e.to_string())?;
    let file = || fs::File::options().append(true).open(&log).map_err(|e| e.to_string());
    let mut child = Command::new(cargo())
        .args(["test", "--release", "--no-fail-fast", "-p", &one.package])
        .args(one.tests.split_whitespace())
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", build)
        .env("RUSTFLAGS", "-Awarnings")
        // Built once for each of them: what is quick to build wins over what is quick to run.
        .env("CARGO_INCREMENTAL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("RUST_BACKTRACE", "0")
        .process_group(0)
        .stdout(Stdio::from(file()?))
        .stderr(Stdio::from(file()?))
        .spawn()
        .map_err(|e| format!("cargo: {e}"))?;
    let begun = Instant::now();
    let passed = loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            break status.success();
        }
        if begun.elapsed() > PATIENCE {
            // With the tests that cargo started.
            let group = format!("-{}", child.id());
            Command::new("kill")
                .args(["-KILL", "--", &group])
                .status()
                .map_err(|e| e.to_string())?;
            child.wait().map_err(|e| e.to_string())?;
            return Ok(Verdict::Hung);
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let said = String::from_utf8_lossy(&fs::read(&log).map_err(|e| e.to_string())?).into_owned();
    if said.contains("error: could not compile") {
        let error = said.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        return Ok(Verdict::DoesNotCompile(error.to_owned()));
    }
    if passed {
        let counts = said.lines().filter_map(|line| {
            let rest = line.strip_prefix("test result: ok. ")?;
            rest.split(' ').next()?.parse::<u32>().ok()
        });
        return Ok(Verdict::Passed(counts.sum()));
    }
    let failed = said.lines().filter_map(|line| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        Some(name.to_owned())
    });
    Ok(Verdict::Failed(failed.collect()))
}
