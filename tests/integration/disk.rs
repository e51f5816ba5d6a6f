//! What a power cut may leave of a directory: a disk that keeps apart what was synced and what was not.
//!
//! It believes in nothing but a sync: of a file for its bytes, of a directory for its names. Of what was not synced
//! any part may be there, in any order, so a test tries many choices of it.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::tracer::Event;

/// A write is cut at a multiple of this, as disks do.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    objects: Vec<Object>,
    inodes: HashMap<u64, usize>,
    /// What the program sees.
    names: Names,
    /// What a power cut leaves for certain.
    durable: Names,
    /// What became of names since, oldest first.
    changes: Vec<Change>,
}

/// A directory's number and a name in it → what it names.
type Names = BTreeMap<(usize, String), usize>;

/// One rename, say, is two names that change together.
type Change = Vec<((usize, String), Option<usize>)>;

#[derive(Debug, Clone, Default)]
struct Object {
    durable: Vec<u8>,
    /// What was not synced; nothing for a directory.
    pending: Vec<Write>,
    is_directory: bool,
}

#[derive(Debug, Clone)]
enum Write {
    Bytes {
        at: usize,
        bytes: Vec<u8>,
    },
    /// Cut or grown to this length.
    Length(usize),
    /// At least this long.
    Room(usize),
}

/// What is left of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    All,
    Nothing,
    /// The first half, to a whole sector.
    Half,
    /// The length, with zeros for bytes.
    Zeros,
}

/// Files with their bytes, and directories, by their path below the root.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Tree(BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Disk {
    /// An empty directory.
    pub(crate) fn new(root: &Path) -> Self {
        let inode = fs::metadata(root).expect("a directory").ino();
        Self {
            root: root.to_owned(),
            objects: vec![Object { is_directory: true, ..Object::default() }],
            inodes: HashMap::from([(inode, 0)]),
            names: Names::new(),
            durable: Names::new(),
            changes: Vec::new(),
        }
    }

    /// A directory with what is in it, all durable.
    pub(crate) fn of(root: &Path) -> Self {
        let mut disk = Self::new(root);
        let mut waiting = vec![root.to_owned()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let is_directory = path.is_dir();
                let durable =
                    if is_directory { Vec::new() } else { fs::read(&path).expect("a file") };
                disk.objects.push(Object { durable, pending: Vec::new(), is_directory });
                let (place, made) = (disk.place(&path), disk.objects.len() - 1);
                disk.inodes.insert(fs::metadata(&path).expect("a file").ino(), made);
                disk.names.insert(place, made);
                if is_directory {
                    waiting.push(path);
                }
            }
        }
        disk.durable.clone_from(&disk.names);
        disk
    }

    /// Does what the program did.
    pub(crate) fn apply(&mut self, event: &Event) {
        // The wal-index: never synced, and made anew by whoever opens the ledger first.
        if event.path.to_string_lossy().ends_with("-shm") {
            return;
        }
        match event.op {
            'C' | 'M' => {
                let made = self.make(event);
                let place = self.place(&event.path);
                self.change(vec![(place, Some(made))]);
            }
            'N' => drop(self.make(event)),
            'L' => {
                let place = self.place(&event.path);
                self.change(vec![(place, Some(self.inodes[&event.inode]))]);
            }
            'R' => {
                let (from, to) = (self.place(&event.path), self.place(&event.other));
                let object = self.names[&from];
                self.change(vec![(from, None), (to, Some(object))]);
            }
            'U' => {
                let place = self.place(&event.path);
                self.change(vec![(place, None)]);
            }
            'W' | 'T' | 'A' => {
                let number = |number| usize::try_from(number).expect("a length");
                let write = match event.op {
                    'W' => Write::Bytes { at: number(event.offset), bytes: event.bytes.clone() },
                    'T' => Write::Length(number(event.length)),
                    _ => Write::Room(number(event.length)),
                };
                self.objects[self.inodes[&event.inode]].pending.push(write);
            }
            'S' => self.sync(self.inodes[&event.inode]),
            other => panic!("the replay knows no `{other}`: {event:?}"),
        }
    }

    fn make(&mut self, event: &Event) -> usize {
        self.objects.push(Object { is_directory: event.op == 'M', ..Object::default() });
        let made = self.objects.len() - 1;
        self.inodes.insert(event.inode, made);
        made
    }

    fn change(&mut self, change: Change) {
        take_over(&mut self.names, &change);
        self.changes.push(change);
    }

    fn sync(&mut self, number: usize) {
        if self.objects[number].is_directory {
            let touches = |change: &Change| change.iter().any(|((place, _), _)| *place == number);
            let (synced, left) = self.changes.drain(..).partition(touches);
            self.changes = left;
            let synced: Vec<Change> = synced;
            synced.iter().for_each(|change| take_over(&mut self.durable, change));
        } else {
            let object = &mut self.objects[number];
            object.durable = object.left_of(|_| Left::All);
            object.pending.clear();
        }
    }

    fn place(&self, path: &Path) -> (usize, String) {
        let below = path.strip_prefix(&self.root).expect("a path below the root");
        let name = |part: &std::ffi::OsStr| part.to_str().expect("UTF-8").to_owned();
        let parents = below.parent().expect("a name");
        let directory = parents.iter().fold(0, |at, part| self.names[&(at, name(part))]);
        (directory, name(below.file_name().expect("a name")))
    }

    /// The disk with these writes and these changes of names.
    fn tree(
        &self,
        mut left: impl FnMut(usize, usize) -> Left,
        mut named: impl FnMut(usize) -> bool,
    ) -> Tree {
        let mut names = self.durable.clone();
        for (at, change) in self.changes.iter().enumerate() {
            if named(at) {
                take_over(&mut names, change);
            }
        }
        let mut tree = BTreeMap::new();
        let mut waiting = vec![(0, PathBuf::new())];
        while let Some((directory, path)) = waiting.pop() {
            let inside = names.range((directory, String::new())..(directory + 1, String::new()));
            for ((_, name), number) in inside {
                let path = path.join(name);
                let object = &self.objects[*number];
                if object.is_directory {
                    waiting.push((*number, path.clone()));
                    tree.insert(path, None);
                } else {
                    tree.insert(path, Some(object.left_of(|write| left(*number, write))));
                }
            }
        }
        Tree(tree)
    }

    /// What a power cut may leave now: nothing that was not synced; all of it; bytes without names and names without
    /// bytes; names before bytes, with zeros in their place; the last write torn.
    pub(crate) fn power_cuts(&self) -> Vec<(String, Tree)> {
        let last = |object: usize, write| write + 1 == self.objects[object].pending.len();
        let torn = |object, write| if last(object, write) { Left::Half } else { Left::All };
        let named = |what: &str, tree| (what.to_owned(), tree);
        vec![
            named("what was synced", self.tree(|_, _| Left::Nothing, |_| false)),
            named("all", self.tree(|_, _| Left::All, |_| true)),
            named("names without bytes", self.tree(|_, _| Left::Nothing, |_| true)),
            named("bytes without names", self.tree(|_, _| Left::All, |_| false)),
            named("names and lengths", self.tree(|_, _| Left::Zeros, |_| true)),
            named("the last write torn", self.tree(torn, |_| true)),
        ]
    }

    /// What a power cut may leave besides: each single write, and each single change of a name, missing or alone.
    pub(crate) fn single_cuts(&self) -> Vec<(String, Tree)> {
        let mut cuts = Vec::new();
        let is = |there| if there { Left::All } else { Left::Nothing };
        for (object, file) in self.objects.iter().enumerate() {
            for write in 0..file.pending.len() {
                let this = (object, write);
                let missing = self.tree(|object, write| is((object, write) != this), |_| true);
                cuts.push((format!("write {write} of file {object} missing"), missing));
                let alone = self.tree(|object, write| is((object, write) == this), |_| true);
                cuts.push((format!("write {write} of file {object} alone"), alone));
            }
        }
        for change in 0..self.changes.len() {
            let missing = self.tree(|_, _| Left::All, |at| at != change);
            cuts.push((format!("{:?} missing", self.changes[change]), missing));
            let alone = self.tree(|_, _| Left::All, |at| at == change);
            cuts.push((format!("{:?} alone", self.changes[change]), alone));
            let empty = self.tree(|_, _| Left::Nothing, |at| at != change);
            cuts.push((format!("{:?} missing, and all bytes", self.changes[change]), empty));
        }
        cuts
    }
}

fn take_over(names: &mut Names, change: &Change) {
    for (place, object) in change {
        match object {
            Some(object) => names.insert(place.clone(), *object),
            None => names.remove(place),
        };
    }
}

impl Object {
    fn left_of(&self, mut left: impl FnMut(usize) -> Left) -> Vec<u8> {
        let mut content = self.durable.clone();
        for (number, write) in self.pending.iter().enumerate() {
            let left = left(number);
            match write {
                _ if left == Left::Nothing => {}
                Write::Length(length) => content.resize(*length, 0),
                Write::Room(length) => content.resize(content.len().max(*length), 0),
                Write::Bytes { at, bytes } => {
                    let count = match left {
                        Left::Half => bytes.len() / 2 / SECTOR * SECTOR,
                        _ => bytes.len(),
                    };
                    content.resize(content.len().max(at + count), 0);
                    let place = &mut content[*at..at + count];
                    match left {
                        Left::Zeros => place.fill(0),
                        _ => place.copy_from_slice(&bytes[..count]),
                    }
                }
            }
        }
        content
    }
}

impl Tree {
    /// Puts it into an empty directory.
    pub(crate) fn put(&self, directory: &Path) {
        // A directory stands before what is in it.
        for (path, content) in &self.0 {
            let path = directory.join(path);
            match content {
                Some(bytes) => fs::write(path, bytes).expect("a file"),
                None => fs::create_dir(path).expect("a directory"),
            }
        }
    }

    /// A number that two trees share only if they are the same.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
