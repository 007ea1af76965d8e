//! The tree keeps its own rules: sizes, links, commands, and claims with a test behind each.
//!
//! Only the standard library, and one walk over the sources.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Nobody should need a longer file than this, in lines.
const MAX_LINES: usize = 600;
/// What is read as text that somebody wrote.
const WRITTEN: [&str; 7] = ["rs", "md", "toml", "py", "c", "sh", "yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every written file with its text; build folders and hidden ones left out, `.ci` not.
fn written() -> Vec<(PathBuf, String)> {
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            let hidden = name.starts_with('.') && name != ".ci";
            if path.is_dir() {
                if !hidden && name != "target" {
                    folders.push(path);
                }
                continue;
            }
            let ours = path.extension().and_then(|end| end.to_str());
            let ours = ours.is_some_and(|end| WRITTEN.contains(&end)) || folder.ends_with(".ci");
            if ours && !hidden {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 100, "the walk found {} files only", found.len());
    found
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The lines of a text's shell blocks, comments taken off.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) => inside = !inside && language == "sh",
            None if inside => found.push(line.split('#').next().unwrap_or_default().trim()),
            None => {}
        }
    }
    // A table names commands as well, in backticks.
    let rows = text.lines().filter(|line| line.starts_with('|'));
    found.extend(rows.flat_map(|row| row.split('`').skip(1).step_by(2)));
    found.retain(|command| command.contains("cargo "));
    found
}

/// The word after a flag.
fn after<'a>(command: &'a str, flag: &str) -> Option<&'a str> {
    let mut words = command.split_whitespace().skip_while(|word| *word != flag);
    words.nth(1)
}

/// The folder of a package of ours.
fn package(name: &str) -> Option<PathBuf> {
    let folders = [
        "protocol",
        "core",
        "core/store",
        "ffi",
        "sync-server",
        "examples",
        "tests",
        "tests/fuzz",
        "tests/power-cut",
    ];
    let named = format!("name = \"{name}\"");
    let folder = folders.into_iter().map(|folder| root().join(folder)).find(|folder| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains(&named))
    });
    folder.filter(|folder| folder.is_dir())
}

#[test]
fn no_file_is_longer_than_somebody_wants_to_read() {
    for (path, text) in written() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not name them either.
    let places =
        [["/wo", "rk/"], ["/ro", "ot/"], ["/tm", "p/wt"], ["/ho", "me/"]].map(|p| p.concat());
    for (path, text) in written() {
        for place in &places {
            let line = text.lines().position(|line| line.contains(place.as_str()));
            assert_eq!(line, None, "{}: a machine's path (line counted from 0)", path.display());
        }
    }
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for (path, text) in written() {
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            let there = path.parent().unwrap().join(file).exists();
            assert!(there, "{}: {link} leads nowhere", path.display());
        }
    }
}

#[test]
fn what_the_readme_says_to_run_is_there() {
    let readme = read("README.md");
    let commands = commands(&readme);
    for main in ["cargo run --release --bin journey", "cargo test --release --workspace"] {
        assert!(commands.contains(&main), "the README does not say {main}");
        assert!(read(".ci/run").contains(main), ".ci/run does not run {main}");
    }
    for command in commands {
        let folder = after(command, "-p").map(|name| (name, package(name)));
        if let Some((name, folder)) = &folder {
            assert!(folder.is_some(), "{command}: there is no package {name}");
        }
        if let Some(name) = after(command, "--bin") {
            let examples = || root().join("examples");
            let home = folder.as_ref().and_then(|(_, folder)| folder.clone());
            let place = home.unwrap_or_else(examples).join("src/bin");
            let there = place.join(format!("{name}.rs")).exists() || place.join(name).is_dir();
            assert!(there, "{command}: there is no program {name}");
        }
        if let (Some(name), Some((_, Some(folder)))) = (after(command, "--test"), folder) {
            let tests = folder.join("tests");
            let there = tests.join(format!("{name}.rs")).exists() || tests.join(name).is_dir();
            assert!(there, "{command}: there is no test {name}");
        }
    }
}

#[test]
fn every_claim_about_security_has_a_test() {
    let sources: String = written()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "rs"))
        .map(|(_, text)| text)
        .collect();
    let there: BTreeSet<&str> =
        sources.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()).collect();
    let security = read("SECURITY.md");
    let (_, table) = security.split_once("| claim | crate | test |").unwrap();
    let mut claims = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [claim, crates, tests] = cells[..] else { panic!("no row of three: {row}") };
        for name in crates.split(',').map(str::trim) {
            assert!(package(name).is_some(), "{claim}: there is no crate {name}");
        }
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{claim}: no test");
        for test in tests {
            assert!(there.contains(test), "{claim}: there is no test {test}");
        }
        claims += 1;
    }
    assert!(claims > 20, "only {claims} claims were found");
}

/// The list of what a dishonest relay may try, in `tests/tests/dishonest/main.rs`, has thirty lines.
#[test]
fn every_check_of_a_dishonest_relay_has_a_test() {
    let sources: String = written()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "rs"))
        .map(|(_, text)| text)
        .collect();
    for number in 1..=30 {
        let there = sources.contains(&format!("fn check_{number:02}_"));
        assert!(there, "there is no test of check {number}");
    }
}

#[test]
fn every_mutation_still_has_its_place_in_the_code() {
    let all = mainstay_tests::mutations::listed(&root()).unwrap();
    assert!(all.len() >= 25, "{}", all.len());
    for one in all {
        let broken = one.broken(&root()).unwrap();
        assert_ne!(broken, std::fs::read_to_string(root().join(&one.file)).unwrap());
    }
}
