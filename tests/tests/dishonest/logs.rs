//! Check 25: what is logged, and what errors say.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use mainstay_core::engine::{Backend, Engine};
use mainstay_core::space::phrase::Phrase;
use mainstay_core::space::recovery::Recovery;
use mainstay_core::space::test_kit;
use mainstay_tests::search::Search;
use tracing_subscriber::fmt::MakeWriter;

use super::kit::{self, Desk, note};

/// Everything that anybody logged in this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn listening() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let everything = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::set_global_default(everything).unwrap();
        lines
    })
}

/// What the phones are called, and a name that nobody has.
const NAMES: [&str; 3] = ["the phone of Ana", "the new one of Ana", "the tablet of nobody"];

const WORDS: &str = "words that no log and no error ever holds";

#[tokio::test(flavor = "multi_thread")]
async fn check_25_no_log_and_no_error_holds_a_word_a_name_a_key_or_who_it_is_about() {
    let lines = listening();
    let mut desk = Desk::new().await;
    let (phone, phrase) = desk.phone(NAMES[0], Backend::Redb).await;
    let mut said = Vec::new();
    let id = phone.log(note(WORDS), kit::days_ago(0)).await.unwrap();
    phone.sync().await.unwrap();
    let address = desk.relay.address();
    let new = Engine::restore(desk.config(NAMES[1], Backend::Sled), &phrase, &address);
    let new = new.await.unwrap();
    new.sync().await.unwrap();
    // Whatever goes wrong on the way.
    said.push(format!("{:?}", phone.sync().await.err()));
    let names: Vec<String> = new.devices().await.unwrap().into_iter().map(|d| d.name).collect();
    for name in &names {
        said.push(format!("{:?}", new.remove_device(name).await.err()));
    }
    let unknown = new.remove_device(NAMES[2]).await.err().unwrap();
    said.push(format!("{unknown} {unknown:?}"));
    let mut mistyped: Vec<String> = phrase.words().map(str::to_owned).collect();
    mistyped[3].push('x');
    let mistyped = Phrase::parse(&mistyped.join(" ")).unwrap_err();
    said.push(format!("{mistyped} {mistyped:?}"));
    said.push(format!("{:?}", new.sync().await.err()));
    said.push(format!("{:?}", phone.sync().await.err()));
    desk.wipe_relay().await;
    said.push(format!("{:?}", new.sync().await.err()));
    let mut wrong = desk.relay.address();
    wrong.pins[0].0[0] ^= 1;
    phone.set_relay(wrong).await.unwrap();
    said.push(phone.sync().await.err().unwrap().to_string());
    wrong = desk.relay.address();
    wrong.port = 9;
    phone.set_relay(wrong).await.unwrap();
    said.push(format!("{:?}", phone.sync_once(Duration::from_secs(1)).await.err()));
    phone.forget(id).await.unwrap();
    said.push(phone.show(id).await.err().unwrap().to_string());
    phone.suspend().await.unwrap();
    said.push(phone.show(id).await.err().unwrap().to_string());
    said.push(format!("{:?}", Engine::open(desk.config("nowhere", Backend::Redb)).await.err()));

    let mut search = Search::default();
    search.add("words", WORDS.as_bytes());
    let space = Recovery::derive(&phrase).space_id();
    search.add("whose it is", space.as_bytes());
    search.add("the beginning of whose it is", &space.as_bytes()[..8]);
    let mut ids = vec![space.to_hex()];
    for device in new.devices().await.unwrap() {
        search.add("a device", device.author.as_bytes());
        ids.push(device.author.to_hex());
    }
    for id in &ids {
        // As ids print with `Debug`.
        search.add("the beginning of an id", &id.as_bytes()[..8]);
    }
    for name in NAMES {
        search.add("a name", name.as_bytes());
    }
    for (name, bytes) in test_kit::of_phrase(&phrase) {
        search.add(name, &bytes);
    }
    let two: Vec<&str> = phrase.words().collect();
    search.add("two words of the phrase", two[..2].join(" ").as_bytes());
    assert!(!said.concat().contains(&format!(" {}", two[3])), "a word that was likely meant");
    let logged = lines.0.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&logged).into_owned();
    assert!(text.contains("mainstay_sync_server"), "something was logged: {} bytes", logged.len());
    let ours: Vec<&str> = text.lines().filter(|line| line.contains("mainstay_")).collect();
    let said = said.concat();
    assert!(said.len() > 200);
    for (place, what) in
        [("our own lines", ours.join("\n")), ("errors", said), ("all lines", text.clone())]
    {
        let found = search.found_in(what.as_bytes());
        // What the transport below logs at its lowest level is nobody's business but a developer's, and
        // holds ciphertext only.
        assert!(found.is_empty(), "{place}: {found:?}");
    }
    // No size of anything, either: no number above what ports and limits of ours have.
    for line in ours {
        let (_, message) = line.split_once(": ").unwrap_or_default();
        let numbers = message.split(|c: char| !c.is_ascii_digit());
        let sizes: Vec<&str> = numbers.filter(|digits| digits.len() > 2).collect();
        assert!(sizes.is_empty(), "a number in: {line}");
    }
}
