//! By what a file is known to be the one that was opened: its number, size and time of change.

use super::{LEDGER, SECRET, SETTINGS};
use crate::index::{MANIFEST, Manifest};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file was; `None` when there was none.
type Mark = Option<(u64, u64, u64, i64, i64)>;

/// The files of a store that were opened, as they were then.
#[derive(Debug)]
pub(super) struct Marks {
    index: PathBuf,
    manifest: Mark,
    /// Written once, or not written at all.
    fixed: Vec<(PathBuf, Mark)>,
    segments: Vec<(PathBuf, Mark)>,
}

impl Marks {
    /// The files of the store at `path`, whose index is in `index`, as they are now.
    pub fn new(path: &Path, index: &Path) -> Self {
        let fixed = [SETTINGS, SECRET].map(|name| path.join(name));
        let mut fixed: Vec<_> = fixed.into_iter().map(|path| (mark(&path), path)).collect();
        // The ledger is written to: what it is, not how long, tells whether it is another one.
        let ledger = path.join(LEDGER);
        fixed.push((identity(&ledger), ledger));
        let fixed = fixed.into_iter().map(|(mark, path)| (path, mark)).collect();
        let manifest = mark(&index.join(MANIFEST));
        Self { index: index.to_owned(), manifest, fixed, segments: Vec::new() }
    }

    /// Takes the manifest as it is now.
    pub fn see_manifest(&mut self) {
        self.manifest = mark(&self.index.join(MANIFEST));
    }

    /// Takes the segments that a manifest names as they are now.
    pub fn take(&mut self, manifest: &Manifest) {
        let of = |name: &String| {
            let path = self.index.join(name);
            let mark = mark(&path);
            (path, mark)
        };
        self.segments = manifest.segments.iter().map(|segment| of(&segment.name)).collect();
    }

    /// Says whether there is another manifest, or none. Cost: a `stat`.
    pub fn manifest_is_replaced(&self) -> bool {
        mark(&self.index.join(MANIFEST)) != self.manifest
    }

    /// Says whether every other file is as it was. Cost: a `stat` a file.
    pub fn hold(&self) -> bool {
        let as_it_was = |(path, was): &(PathBuf, Mark)| {
            let is_ledger = path.ends_with(LEDGER);
            (if is_ledger { identity(path) } else { mark(path) }) == *was
        };
        self.fixed.iter().chain(&self.segments).all(as_it_was)
    }
}

fn mark(path: &Path) -> Mark {
    let metadata = fs::metadata(path).ok()?;
    let changed = (metadata.mtime(), metadata.mtime_nsec());
    Some((metadata.dev(), metadata.ino(), metadata.len(), changed.0, changed.1))
}

fn identity(path: &Path) -> Mark {
    let (device, number, ..) = mark(path)?;
    Some((device, number, 0, 0, 0))
}
