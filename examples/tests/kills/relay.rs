//! The relay as a process that can be killed: this test binary, started again, serves as the relay's
//! program does.

use std::fs::{self, OpenOptions};
use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use mainstay_sync_server::Server;
use mainstay_sync_server::config::Config;

use crate::kit::copy_folder;

const FOLDER: &str = "MAINSTAY_KILLS_RELAY_FOLDER";
const PORT: &str = "MAINSTAY_KILLS_RELAY_PORT";

/// A relay's folder and its port, and the process that serves them, if one does.
pub(crate) struct Relay {
    dir: PathBuf,
    port: u16,
    serving: Option<Child>,
    url: String,
    /// How long its start took, the last time.
    pub(crate) start: Duration,
}

impl Relay {
    /// Starts a relay on what lies in this folder.
    pub(crate) fn start(dir: &Path) -> Self {
        let (port, start) = (free_port(), Duration::ZERO);
        let mut relay =
            Self { dir: dir.to_path_buf(), port, serving: None, url: String::new(), start };
        relay.resume();
        relay
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_on(&self) -> bool {
        self.serving.is_some()
    }

    /// Starts the process again, if it was killed, and waits until it serves.
    pub(crate) fn resume(&mut self) {
        if self.is_on() {
            return;
        }
        let begun = Instant::now();
        let mut child = self.spawn();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find_map(|line| {
            line.find("mainstay://").map(|from| line[from..].trim_end().to_owned())
        });
        let url = line.unwrap_or_else(|| panic!("the relay did not start: {}", self.told()));
        assert!(self.url.is_empty() || self.url == url, "{url} is not {}", self.url);
        (self.serving, self.url, self.start) = (Some(child), url, begun.elapsed());
    }

    /// Starts the process and kills it after this time. Whether it was in the middle of its start.
    pub(crate) fn start_and_kill(&mut self, after: Duration) -> bool {
        assert!(!self.is_on());
        let mut child = self.spawn();
        std::thread::sleep(after);
        child.kill().unwrap();
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.wait().unwrap();
        !out.contains("mainstay://")
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.serving.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A relay on a copy of what is on the disk: what becomes of it does not disturb this one.
    pub(crate) fn copy(&self, dir: &Path) -> Self {
        assert!(!self.is_on(), "the copy would be of several moments");
        copy_folder(&self.dir, dir);
        Self::start(dir)
    }

    /// What it wrote on standard error, in all its lives.
    pub(crate) fn told(&self) -> String {
        fs::read_to_string(self.dir.join("told")).unwrap()
    }

    fn spawn(&self) -> Child {
        fs::create_dir_all(&self.dir).unwrap();
        let told = OpenOptions::new().append(true).create(true).open(self.dir.join("told"));
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "relay::the_relay_of_the_other_tests", "--nocapture"])
            .env(FOLDER, &self.dir)
            .env(PORT, self.port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(told.unwrap())
            .spawn()
            .unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Below the ports that a system hands out by itself: while the relay is dead, nobody gets its port by
/// chance. Each relay of this process begins to look at another place.
fn free_port() -> u16 {
    static LOOKED: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 5000) as u16;
    loop {
        let port = 20_000 + (first + LOOKED.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Not a test: the relay's side. Without its variables it does nothing.
#[test]
fn the_relay_of_the_other_tests() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let port = std::env::var(PORT).unwrap().parse().unwrap();
    // Whoever started this holds the other end: a test that was itself killed leaves no relay behind.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = Config::new(dir.join("data"), dir.join("keys"), listen);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::bind(&config).await.unwrap();
        println!("{}", server.address());
        pending::<()>().await;
    });
}
