//! The strict in-memory twin of a disk: what was not synced is lost.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lock::Turnstile;
use super::name::{self, naming};
use super::{Access, Blob, Directory, Lock};

/// A directory in memory that keeps apart what a program sees and what a power cut would leave.
///
/// Every change is made of numbered steps, counted from 1: `create` is write, sync and rename; `replace`
/// is those and a sync of the directory; `sync` and `remove` are one each. [`Memory::fail_at`] stops the
/// program at a step, and [`Memory::crash`] or one of its kin shows the disk it would wake up to. A real
/// disk may or may not have kept a name that was not synced, so a test tries each of them.
///
/// # Example
///
/// ```
/// use quell::storage::{Directory, Memory};
///
/// let directory = Memory::new();
/// directory.create("a", &[b"bytes"])?;
/// assert_eq!(directory.steps(), 3);
/// assert!(directory.crash().list()?.is_empty());
/// assert_eq!(directory.crash_keeping_names().list()?, ["a"]);
/// directory.sync()?;
/// assert_eq!(directory.crash().list()?, ["a"]);
///
/// directory.fail_at(5);
/// assert!(directory.remove("a").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
    turnstile: Arc<Turnstile>,
}

type Names = BTreeMap<String, Arc<Inode>>;

#[derive(Debug, Default)]
struct State {
    /// What the program sees.
    names: Names,
    /// What a power cut leaves of the names.
    durable: Names,
    steps: u64,
    fail_at: Option<u64>,
}

/// A file's contents. Replaced as a whole when synced, never changed otherwise.
#[derive(Debug)]
struct Inode {
    contents: Blob,
    synced: bool,
}

impl State {
    /// Counts a step, and refuses it when the program was to stop there or before.
    fn step(&mut self) -> io::Result<()> {
        let next = self.steps + 1;
        if self.fail_at.is_some_and(|step| step <= next) {
            return Err(io::Error::other(format!("stopped at step {next}, as asked")));
        }
        self.steps = next;
        Ok(())
    }

    /// Writes under a temporary name, syncs, renames: three steps.
    fn write(&mut self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        name::check(name)?;
        let temporary = format!("{name}.tmp");
        let contents = Blob::from(parts.concat());
        self.step()?;
        let inode = Inode { contents: contents.clone(), synced: false };
        self.names.insert(temporary.clone(), Arc::new(inode));
        self.step()?;
        let inode = Arc::new(Inode { contents, synced: true });
        self.names.insert(temporary.clone(), Arc::clone(&inode));
        self.step()?;
        self.names.remove(&temporary);
        self.names.insert(name.to_owned(), inode);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step()?;
        self.durable = self.names.clone();
        Ok(())
    }
}

impl Memory {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many steps were taken so far; refused ones are not counted.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Makes step number `step` and all later ones fail without an effect, as if the program had been
    /// stopped before it. Reading goes on.
    pub fn fail_at(&self, step: u64) {
        self.state().fail_at = Some(step);
    }

    /// The disk after a power cut that lost every name that was not synced, and brought back every
    /// removed one.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.crash_keeping(|_| false)
    }

    /// The disk after a power cut that lost no change of a name. Contents that were not synced are lost
    /// all the same: such a file holds the first half of its bytes.
    #[must_use]
    pub fn crash_keeping_names(&self) -> Self {
        self.crash_keeping(|_| true)
    }

    /// The disk after a power cut that lost the changes of some names: of those `keeps` says `false` for.
    /// The system may write names back in any order, so any choice can happen.
    #[must_use]
    pub fn crash_keeping(&self, mut keeps: impl FnMut(&str) -> bool) -> Self {
        let state = self.state();
        let mut after = Names::new();
        let mut survive = |name: &String, inode: Option<&Arc<Inode>>| {
            if let Some(inode) = inode {
                after.insert(name.clone(), inode.after_power_cut());
            }
        };
        for (name, inode) in &state.names {
            let kept = if keeps(name) { Some(inode) } else { state.durable.get(name) };
            survive(name, kept);
        }
        let removed = state.durable.iter().filter(|(name, _)| !state.names.contains_key(*name));
        for (name, inode) in removed {
            let kept = if keeps(name) { None } else { Some(inode) };
            survive(name, kept);
        }
        Self::of(after)
    }

    /// A durable copy of the directory, to be damaged without touching this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::of(self.state().names.clone())
    }

    /// Puts a file there, durable at once and as no step: for tests that damage one.
    pub fn plant(&self, name: &str, contents: &[u8]) {
        let inode = Arc::new(Inode { contents: Blob::from(contents.to_vec()), synced: true });
        let mut state = self.state();
        state.durable.insert(name.to_owned(), Arc::clone(&inode));
        state.names.insert(name.to_owned(), inode);
    }

    fn of(names: Names) -> Self {
        let state = State { durable: names.clone(), names, ..State::default() };
        Self { state: Mutex::new(state), turnstile: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test thread that panicked holding the lock left nothing half done that another could see.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inode {
    fn after_power_cut(self: &Arc<Self>) -> Arc<Self> {
        if self.synced {
            return Arc::clone(self);
        }
        let half = self.contents[..self.contents.len() / 2].to_vec();
        Arc::new(Self { contents: Blob::from(half), synced: true })
    }
}

impl Directory for Memory {
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.state().write(name, parts).map_err(naming(name))
    }

    fn open(&self, name: &str, _: Access) -> io::Result<Blob> {
        name::check(name)?;
        match self.state().names.get(name) {
            Some(inode) => Ok(inode.contents.clone()),
            None => Err(naming(name)(io::ErrorKind::NotFound.into())),
        }
    }

    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.write(name, &[contents]).and_then(|()| state.sync()).map_err(naming(name))
    }

    fn sync(&self) -> io::Result<()> {
        self.state().sync()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        name::check(name)?;
        let mut state = self.state();
        if !state.names.contains_key(name) {
            return Err(naming(name)(io::ErrorKind::NotFound.into()));
        }
        state.step().map_err(naming(name))?;
        state.names.remove(name);
        Ok(())
    }

    fn lock(&self) -> io::Result<Lock> {
        Ok(Lock::of_turnstile(&self.turnstile))
    }
}
