//! By what a file is known to be the one that was opened: its number, size and times of change.

use super::{LEDGER, SECRET, SETTINGS};
use crate::index::{MANIFEST, Manifest};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file was; `None` when there was none.
type Mark = Option<Seen>;

/// Device and number; `None` when there is no file.
type Place = Option<(u64, u64)>;

/// Device, number, length, and when content and description were changed. The last of these nobody can set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    place: (u64, u64),
    length: u64,
    changed: (i64, i64),
    described: (i64, i64),
}

/// The files of a store that were opened, as they were then.
#[derive(Debug)]
pub(super) struct Marks {
    index: PathBuf,
    manifest: Mark,
    /// Written once, or not written at all.
    fixed: Vec<(PathBuf, Mark)>,
    /// The ledger and what SQLite has beside it. They are written to: which files they are, not what is in them, tells
    /// whether they are others.
    ledger: Vec<(PathBuf, Place)>,
    segments: Vec<(PathBuf, Mark)>,
}

impl Marks {
    /// The files of the store at `path`, whose index is in `index`, as they are now.
    pub fn new(path: &Path, index: &Path) -> Self {
        let marked = |path: PathBuf| {
            let mark = mark(&path);
            (path, mark)
        };
        let fixed = [SETTINGS, SECRET].map(|name| marked(path.join(name))).into();
        let placed = |path: PathBuf| {
            let place = place(&path);
            (path, place)
        };
        let beside = |end: &str| path.join(format!("{LEDGER}{end}"));
        let ledger = ["", "-wal", "-shm"].map(|end| placed(beside(end))).into();
        let manifest = mark(&index.join(MANIFEST));
        Self { index: index.to_owned(), manifest, fixed, ledger, segments: Vec::new() }
    }

    /// Takes those files beside the ledger that were made by opening it, which is just done.
    pub fn see_log(&mut self) {
        for (path, known) in &mut self.ledger {
            if known.is_none() {
                *known = place(path);
            }
        }
    }

    /// Takes the manifest as it is now.
    pub fn see_manifest(&mut self) {
        self.manifest = mark(&self.index.join(MANIFEST));
    }

    /// Takes the segments that a manifest names: those that are known stay what they were when they were opened, the
    /// others as they are now.
    pub fn take(&mut self, manifest: &Manifest) {
        let before = std::mem::take(&mut self.segments);
        let of = |name: &String| {
            let path = self.index.join(name);
            let known = before.iter().find(|(known, _)| *known == path).map(|(_, mark)| *mark);
            let mark = known.unwrap_or_else(|| mark(&path));
            (path, mark)
        };
        self.segments = manifest.segments.iter().map(|segment| of(&segment.name)).collect();
    }

    /// Says whether there is another manifest, or none. Cost: a `stat`.
    pub fn manifest_is_replaced(&self) -> bool {
        mark(&self.index.join(MANIFEST)) != self.manifest
    }

    /// Says whether the ledger's files are those that were there. Its log counts: when somebody removes that, commands
    /// write a new one, which whoever has the old one open never sees. Cost: three `stat`s.
    pub fn ledger_holds(&self) -> bool {
        self.ledger.iter().all(|(path, was)| place(path) == *was)
    }

    /// Says whether every file but the manifest is as it was. Cost: a `stat` a file.
    pub fn hold(&self) -> bool {
        let mut marked = self.fixed.iter().chain(&self.segments);
        self.ledger_holds() && marked.all(|(path, was)| mark(path) == *was)
    }
}

fn mark(path: &Path) -> Mark {
    let metadata = fs::metadata(path).ok()?;
    Some(Seen {
        place: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
        described: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

fn place(path: &Path) -> Place {
    mark(path).map(|seen| seen.place)
}
