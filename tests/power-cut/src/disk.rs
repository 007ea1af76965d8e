//! A disk that may lose its power: what each file and each folder is sure to hold, and what is
//! still under way.
//!
//! The model is the strictest that POSIX allows. Bytes are durable after an fsync of their file,
//! and only then (`sync_file_range` does nothing); a name is durable after an fsync of its folder.
//! Bytes under way may be lost in any combination, names only from the last one backwards, as a
//! journal of metadata loses them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::random::Random;
use crate::recording::Event;

/// Which of the things under way survive the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// Nothing that was not fsynced.
    Nothing,
    /// Each write with a chance of one half, and the first half of the names.
    Half {
        /// Which writes.
        seed: u64,
    },
    /// All but the last write.
    AllButTheLast,
    /// All, but only a part of the last write.
    TornLast,
}

impl Survives {
    /// The four ways in which a cut is tried.
    pub fn ways(seed: u64) -> [Self; 4] {
        [Self::Nothing, Self::Half { seed }, Self::AllButTheLast, Self::TornLast]
    }
}

#[derive(Debug, Clone)]
enum Change {
    Write { order: usize, offset: usize, data: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug, Default, Clone)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Debug, Clone)]
enum Naming {
    Link { path: String, node: Node },
    Rename { from: String, to: String },
    Remove { path: String },
}

impl Naming {
    fn folder(&self) -> &str {
        let (Self::Link { path, .. } | Self::Rename { to: path, .. } | Self::Remove { path }) =
            self;
        folder_of(path)
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Self::Link { path, node } => {
                names.insert(path.clone(), *node);
            }
            Self::Remove { path } => {
                names.remove(path);
            }
            Self::Rename { from, to } => {
                let Some(node) = names.remove(from) else { return };
                names.insert(to.clone(), node);
                // What lies in a folder goes along.
                let within = format!("{from}/");
                let moved =
                    names.range(within.clone()..).take_while(|(p, _)| p.starts_with(&within));
                for old in moved.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
                    let node = names.remove(&old).unwrap();
                    names.insert(format!("{to}/{}", &old[within.len()..]), node);
                }
            }
        }
    }
}

/// The disk of a worker, as far as its events were followed.
#[derive(Debug, Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    /// The names as the running process sees them.
    live: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    pending: Vec<Naming>,
    /// The path under which each descriptor was opened, and what it is.
    open: HashMap<i32, (String, Node)>,
    writes: usize,
}

/// What a power cut left: folders and files, by their paths. Equal ones need to be looked at once.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Left(BTreeMap<String, Option<Vec<u8>>>);

impl Left {
    /// Writes it into `target`, an empty folder.
    pub fn write(&self, target: &Path) {
        for (path, bytes) in &self.0 {
            match bytes {
                None => fs::create_dir_all(target.join(path)).unwrap(),
                Some(bytes) => {
                    fs::create_dir_all(target.join(folder_of(path))).unwrap();
                    // Modes are not recorded; a relay refuses keys that others may read.
                    let mut options = fs::OpenOptions::new();
                    let file = options.write(true).create_new(true).mode(0o600);
                    file.open(target.join(path)).unwrap().write_all(bytes).unwrap();
                }
            }
        }
    }
}

impl Disk {
    /// A disk on which these folders lie already, durably, those above them first.
    pub fn with_folders(folders: &[&str]) -> Self {
        let names = folders.iter().map(|path| ((*path).to_owned(), Node::Folder));
        let durable: BTreeMap<_, _> = names.collect();
        Self { live: durable.clone(), durable, ..Self::default() }
    }

    /// A disk on which lies, durably, what `folder` holds.
    pub fn holding(folder: &Path) -> Self {
        let mut disk = Self::default();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let node = if path.is_dir() {
                    folders.push(path.clone());
                    Node::Folder
                } else {
                    let durable = fs::read(&path).unwrap();
                    disk.inodes.push(Inode { durable, pending: Vec::new() });
                    Node::File(disk.inodes.len() - 1)
                };
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                disk.durable.insert(name, node);
            }
        }
        disk.live = disk.durable.clone();
        disk
    }

    /// Follows one event. Returns whether it changed what a cut could leave.
    pub fn follow(&mut self, event: &Event) -> bool {
        match event {
            Event::Open { fd, path, truncate } => return self.opened(*fd, path, *truncate),
            Event::Close { fd } => {
                self.open.remove(fd);
                return false;
            }
            Event::Write { fd, offset, data } => {
                let change =
                    Change::Write { order: self.writes, offset: *offset, data: data.clone() };
                self.writes += 1;
                self.file(*fd).pending.push(change);
            }
            Event::Truncate { fd, length } => {
                self.file(*fd).pending.push(Change::Truncate(*length));
            }
            Event::Sync { fd } => self.synced(*fd),
            Event::Rename { from, to } => {
                self.name(Naming::Rename { from: from.clone(), to: to.clone() });
            }
            Event::Remove { path } => self.name(Naming::Remove { path: path.clone() }),
            Event::MakeFolder { path } => {
                self.name(Naming::Link { path: path.clone(), node: Node::Folder });
            }
            Event::RangeSync | Event::Acknowledged { .. } | Event::Failed => return false,
        }
        true
    }

    /// The path under which `fd` was opened.
    pub fn path(&self, fd: i32) -> &str {
        &self.open[&fd].0
    }

    /// Whether a name could still be lost.
    pub fn has_pending_names(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what a power cut now could leave into `target`, an empty folder.
    pub fn cut(&self, survives: Survives, target: &Path) {
        self.left(survives).write(target);
    }

    /// What a power cut now could leave.
    pub fn left(&self, survives: Survives) -> Left {
        let names = self.surviving_names(survives);
        let mut left = Left::default();
        for (path, node) in &names {
            // What lies in a folder that is not durable cannot be reached. Folders come before what
            // lies in them.
            let folder = folder_of(path);
            if !folder.is_empty() && left.0.get(folder) != Some(&None) {
                continue;
            }
            let bytes = match node {
                Node::Folder => None,
                Node::File(inode) => Some(self.surviving_bytes(*inode, survives)),
            };
            left.0.insert(path.clone(), bytes);
        }
        left
    }

    fn surviving_names(&self, survives: Survives) -> BTreeMap<String, Node> {
        let kept = match survives {
            Survives::Nothing => 0,
            Survives::Half { .. } => self.pending.len() / 2,
            Survives::AllButTheLast | Survives::TornLast => self.pending.len(),
        };
        let mut names = self.durable.clone();
        self.pending[..kept].iter().for_each(|naming| naming.apply(&mut names));
        names
    }

    fn surviving_bytes(&self, inode: usize, survives: Survives) -> Vec<u8> {
        let inode = &self.inodes[inode];
        let mut bytes = inode.durable.clone();
        for change in &inode.pending {
            match change {
                Change::Truncate(_) if survives == Survives::Nothing => {}
                Change::Truncate(length) => bytes.resize(*length, 0),
                Change::Write { order, offset, data } => {
                    let kept = self.surviving_part(*order, data.len(), survives);
                    write_at(&mut bytes, *offset, &data[..kept]);
                }
            }
        }
        bytes
    }

    fn surviving_part(&self, order: usize, length: usize, survives: Survives) -> usize {
        let last = order + 1 == self.writes;
        match survives {
            Survives::Nothing => 0,
            Survives::Half { seed } => {
                let mut random = Random::new(seed ^ (order as u64) << 20);
                if random.below(2) == 0 { length } else { 0 }
            }
            Survives::AllButTheLast => {
                if last {
                    0
                } else {
                    length
                }
            }
            // In the middle of a sector, too: sleds and redbs checksums must not need more.
            Survives::TornLast => {
                if last {
                    length * 2 / 3
                } else {
                    length
                }
            }
        }
    }

    fn opened(&mut self, fd: i32, path: &str, truncate: bool) -> bool {
        let known = if path.is_empty() { Some(Node::Folder) } else { self.live.get(path).copied() };
        let node = known.unwrap_or_else(|| {
            self.inodes.push(Inode::default());
            let node = Node::File(self.inodes.len() - 1);
            self.name(Naming::Link { path: path.into(), node });
            node
        });
        self.open.insert(fd, (path.into(), node));
        if truncate && known.is_some() {
            self.file(fd).pending.push(Change::Truncate(0));
        }
        known.is_none() || truncate
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.live);
        self.pending.push(naming);
    }

    fn synced(&mut self, fd: i32) {
        let (path, node) = self.open[&fd].clone();
        match node {
            Node::File(inode) => {
                let inode = &mut self.inodes[inode];
                for change in std::mem::take(&mut inode.pending) {
                    match change {
                        Change::Truncate(length) => inode.durable.resize(length, 0),
                        Change::Write { offset, data, .. } => {
                            write_at(&mut inode.durable, offset, &data);
                        }
                    }
                }
            }
            Node::Folder => {
                let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
                    .into_iter()
                    .partition(|naming| naming.folder() == path);
                now.iter().for_each(|naming| naming.apply(&mut self.durable));
                self.pending = later;
            }
        }
    }

    fn file(&mut self, fd: i32) -> &mut Inode {
        match self.open.get(&fd) {
            Some((_, Node::File(inode))) => &mut self.inodes[*inode],
            other => panic!("a write to {other:?}"),
        }
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn write_at(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(data);
}
