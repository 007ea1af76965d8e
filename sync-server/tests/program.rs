//! The program itself: its first line, its log, its end, and what it is linked with.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::client::connect;
use common::person::Person;
use mainstay_protocol::address::RelayAddress;
use mainstay_protocol::codec;
use mainstay_protocol::frame::{Admission, Invitation, Reply, Request};
use mainstay_protocol::sign::Signed;

fn program(dir: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay-sync-server"));
    command.args(arguments);
    command.arg("--data").arg(dir.path().join("data"));
    command.arg("--keys").arg(dir.path().join("keys"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &tempfile::TempDir, arguments: &[&str]) -> Output {
    program(dir, arguments).output().unwrap()
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_within_10_seconds_and_its_log_names_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--log", "trace"];
    let mut child = program(&dir, &arguments).spawn().unwrap();
    let address: RelayAddress = first_line(&mut child).parse().unwrap();
    let mut person = Person::new(10);
    let client = connect(&address).await;
    let key = person.device.clone();
    let (attach, push) = (client.attach(&person, &key, None), person.push(&[1; 54_321]));
    let replies = client.ask(&[person.create(Admission::Open), attach, push]).await;
    assert!(matches!(replies[2], Reply::Pushed { .. }), "{replies:?}");
    let attach = client.attach(&person, &key, None);
    let subscribe = Request::Subscribe { space: person.space };
    let (_send, _receive) = client.begin(&[attach, subscribe]).await;
    client.ask(&[client.attach(&person, &common::person::Key::new(99), None)]).await;

    let begun = Instant::now();
    Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    let mut log = String::new();
    child.stderr.unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("the relay is ready") && log.contains("a connection begins"), "{log}");
    let author = key.public().author_id().to_hex();
    let space = person.space.to_hex();
    for secret in
        ["127.0.0.1", &address.port.to_string(), "54321", "54_321", &space[..8], &author[..8]]
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn it_prints_its_address_as_json_and_text() {
    let dir = tempfile::tempdir().unwrap();
    let text = run(&dir, &["url", "--listen", "127.0.0.1:4433"]);
    let text = String::from_utf8(text.stdout).unwrap();
    let address: RelayAddress = text.trim().parse().unwrap();
    assert_eq!(address.port, 4433);
    let mut child = program(&dir, &["serve", "--listen", "127.0.0.1:0", "--json"]).spawn().unwrap();
    let json: serde_json::Value = serde_json::from_str(&first_line(&mut child)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let running: RelayAddress = json["url"].as_str().unwrap().parse().unwrap();
    assert_eq!(running.pins, address.pins);
}

#[test]
fn check_tells_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let fine = run(&dir, &["check", "--json"]);
    assert!(fine.status.success(), "{fine:?}");
    std::fs::write(dir.path().join("keys/relay.key"), "nonsense").unwrap();
    let wrong = run(&dir, &["check"]);
    assert_eq!(wrong.status.code(), Some(1));
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(error.contains("relay.key") && error.contains("backup"), "{error}");
    let usage = run(&dir, &["serve", "--listen", "nowhere"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn each_invitation_that_is_printed_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let nonces = [(), ()].map(|()| {
        let hex = run(&dir, &["invite", "--days", "1"]).stdout;
        let hex = std::str::from_utf8(hex.trim_ascii()).unwrap();
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        codec::decode::<Signed<Invitation>>(&bytes).unwrap().peek().unwrap().nonce
    });
    assert_ne!(nonces[0], nonces[1]);
}

/// Runs without the directories that [`program`] names.
fn bare(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay-sync-server"));
    let output = command.args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_invitation_for_no_day_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let refused = run(&dir, &["invite", "--days", "0"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(refused.stdout.is_empty());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--days"));
}

#[test]
fn settings_that_cannot_be_used_end_with_2_and_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.toml").display().to_string();
    let file = dir.path().join("listen.toml");
    std::fs::write(&file, "data = \"d\"\nkeys = \"k\"\nlisten = \"127.0.0.1\"\n").unwrap();
    let file = file.display().to_string();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["check", "--config", &missing], &["none.toml", "--config", "correct the path"]),
        (&["check", "--keys", "k"], &["--data is missing", "name the directory"]),
        (&["check", "--data", "d"], &["--keys is missing"]),
        (&["url", "--listen", "127.0.0.1"], &["port is missing", "127.0.0.1:4433"]),
        (&["url", "--listen", "::1"], &["port is missing", "[::1]:4433"]),
        (&["url", "--config", &file], &["listen.toml", "port is missing", "127.0.0.1:4433"]),
    ];
    for (arguments, expected) in cases {
        let (code, said) = bare(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        for words in expected {
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn a_file_where_a_directory_is_needed_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data"), "").unwrap();
    let refused = run(&dir, &["check"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("data is a file") && said.contains("name a directory"), "{said}");
}

#[test]
fn the_relay_is_linked_with_nothing_that_opens_a_seal() {
    let arguments = ["tree", "-p", "mainstay-sync-server", "-e", "normal", "--prefix", "none"];
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let tree = Command::new(cargo)
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: std::collections::BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let ours: Vec<_> = names.iter().filter(|name| name.starts_with("mainstay-")).collect();
    assert_eq!(ours, [&"mainstay-protocol", &"mainstay-store", &"mainstay-sync-server"]);
    for opener in ["chacha20poly1305", "aes-gcm", "hpke", "automerge"] {
        assert!(!names.contains(opener), "{opener}");
    }
}
