//! The phone as a program, and a relay beside it.
#![allow(dead_code)] // Each test program uses a part of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use mainstay_examples::relay::LocalRelay;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const STORES: [&str; 2] = ["sled", "redb"];

/// A folder for everything, and a relay that is on.
pub(crate) struct Desk {
    dir: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) relay: LocalRelay,
}

/// A folder of a phone's, or of another program's.
pub(crate) struct Phone {
    pub(crate) program: &'static str,
    pub(crate) home: PathBuf,
    pub(crate) store: &'static str,
}

/// What a run of the phone left.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let relay = runtime.block_on(LocalRelay::start(&dir.path().join("relay"))).unwrap();
        Self { dir, runtime, relay }
    }

    pub(crate) fn url(&self) -> String {
        self.relay.address().unwrap().to_string()
    }

    /// Copies what the relay keeps, its keys as well.
    pub(crate) fn copy_relay(&mut self, name: &str) -> PathBuf {
        let copy = self.dir.path().join(name);
        self.while_off(|relay| copy_folder(relay, &copy));
        copy
    }

    /// Puts a copy in the relay's place, as an operator does with an image of the machine.
    pub(crate) fn put_relay_back(&mut self, copy: &Path) {
        self.while_off(|relay| {
            fs::remove_dir_all(relay).unwrap();
            copy_folder(copy, relay);
        });
    }

    fn while_off(&mut self, meanwhile: impl FnOnce(&Path)) {
        self.runtime.block_on(self.relay.stop());
        meanwhile(&self.dir.path().join("relay"));
        self.runtime.block_on(self.relay.resume()).unwrap();
    }

    /// A phone without a journal.
    pub(crate) fn phone(&self, name: &str, store: &'static str) -> Phone {
        Phone { program: env!("CARGO_BIN_EXE_phone"), home: self.dir.path().join(name), store }
    }

    /// A counsellor with a vault and a relay, and its phrase.
    pub(crate) fn counsellor(&self, name: &str, store: &'static str) -> (Phone, String) {
        let counsellor = self.empty_desk(name, store);
        let made = counsellor.json(&["init", "--relay", &self.url(), "--name", name]);
        (counsellor, made["phrase"].as_str().unwrap().to_owned())
    }

    /// A counsellor's device without a vault.
    pub(crate) fn empty_desk(&self, name: &str, store: &'static str) -> Phone {
        Phone { program: env!("CARGO_BIN_EXE_counsellor"), ..self.phone(name, store) }
    }

    /// A phone with a journal and a relay, and its phrase.
    pub(crate) fn started(&self, name: &str, store: &'static str) -> (Phone, String) {
        let phone = self.phone(name, store);
        let made = phone.json(&["init", "--relay", &self.url(), "--name", name]);
        (phone, made["phrase"].as_str().unwrap().to_owned())
    }
}

impl Phone {
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--home").arg(&self.home).args(["--store", self.store]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Said {
        let mut child = self.spawn(args);
        // A program that has seen enough closes its end early.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Said::of(child)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, "")
    }

    /// One JSON value, and nothing else.
    pub(crate) fn json_with(&self, args: &[&str], input: &str) -> Json {
        let said = self.run_with(&[args, &["--json"]].concat(), input);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    pub(crate) fn json(&self, args: &[&str]) -> Json {
        self.json_with(args, "")
    }

    /// A run that ends with this code, says so on standard error only, and says this.
    pub(crate) fn refuses(&self, args: &[&str], input: &str, code: i32, says: &str) {
        let said = self.run_with(args, input);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(says), "{args:?}: {}", said.err);
    }
}

impl Said {
    pub(crate) fn of(child: Child) -> Self {
        let done = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: done.status.code().unwrap(), out: text(done.stdout), err: text(done.stderr) }
    }
}

/// Links `new` from `old`; `answer` is what the person types when asked about the code.
pub(crate) fn link(old: &Phone, new: &Phone, name: &str, answer: &str) -> (Said, Said) {
    invite(old, new, &["join", "--name", name], answer)
}

/// Lets a device in again that was removed.
pub(crate) fn rejoin(old: &Phone, back: &Phone) -> (Said, Said) {
    invite(old, back, &["rejoin"], "y\n")
}

fn invite(old: &Phone, new: &Phone, how: &[&str], answer: &str) -> (Said, Said) {
    let mut linking = old.spawn(&["devices", "link", "--json"]);
    let mut lines = BufReader::new(linking.stderr.take().unwrap()).lines();
    let mut heard = lines.by_ref().map(Result::unwrap);
    let invitation = heard.find(|line| line.starts_with("mainstay-link:")).unwrap();
    let args = [&["devices"], how, &[&invitation, "--json"]].concat();
    let joining = new.spawn(&args);
    assert!(heard.any(|line| line.contains("[y/N")));
    linking.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let rest = thread::spawn(move || lines.map(Result::unwrap).collect::<Vec<_>>().join("\n"));
    let (mut linked, joined) = (Said::of(linking), Said::of(joining));
    linked.err = rest.join().unwrap();
    (linked, joined)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => fs::copy(from, to).map(|_| ()).unwrap(),
        }
    }
}

/// The names in a JSON object.
pub(crate) fn names(json: &Json) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Whether the object has all of these.
pub(crate) fn has(json: &Json, wanted: &[&str]) {
    let names = names(json);
    assert!(wanted.iter().all(|name| names.contains(name)), "{wanted:?} in {names:?}");
}
