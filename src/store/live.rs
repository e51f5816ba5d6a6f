//! The index of a store that changes while it answers: in memory, never older than what was acknowledged.
//!
//! ```text
//! look-ups ──► Answers (one atomic load, no lock) ◄── swapped in ── refresh: one at a time
//!                                                                      │ after each own change, and every few
//!                                                     ledger's feed ◄──┘ milliseconds for those of other processes
//! ```
//!
//! The segments are read into memory, so nothing that happens to their files changes an answer. The files are watched
//! all the same: what could not be opened now must not be answered from for long.

use super::INDEX;
use super::marks::Marks;
use super::open::Store;
use super::reader::{Reader, check_past};
use crate::address::Policy;
use crate::catch_up;
use crate::error::{Error, Result};
use crate::index::{Index, KeyHasher, Overlay, Present, Snapshot};
use crate::ledger::{Cursor, Ledger};
use crate::record::Timestamp;
use crate::storage::Access;
use arc_swap::ArcSwap;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// So many changes are taken into memory at once, some 50 ms of work; with more the index on disk has to follow first.
const CHANGES_MAX: u64 = 4_096;
/// With so many states in memory a segment of them is due: each change copies them.
const OVERLAY_MAX: usize = 1_024;
/// So long a command that imports much is left to bring the index up itself.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// How often somebody who waits for a change of their own looks whether that command has done so, and how long a pause
/// is: two seconds in all.
const PAUSES_MAX: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);
/// How often view and answers are looked for that are of one generation.
const ATTEMPTS_MAX: u32 = 8;
/// How often a store is opened whose files were replaced meanwhile.
const OPENINGS_MAX: u32 = 5;

/// A store that is answered from while it changes. Shared by threads.
pub struct Live {
    path: PathBuf,
    state: ArcSwap<State>,
    /// What the answers are made from, and whose turn it is to make them.
    base: Mutex<Option<Base>>,
    /// Whose turn it is to write the index on disk.
    compiling: Mutex<()>,
    /// The ledger's generation when it was last looked at.
    ledger_generation: AtomicU64,
}

enum State {
    Trusted(Arc<Answers>),
    Untrusted(Error),
}

/// One state of a store, from which any number of questions are answered without a lock.
pub struct Answers {
    store: Arc<Store>,
    snapshot: Snapshot,
    present: Present,
}

struct Base {
    store: Arc<Store>,
    index: Index,
    snapshot: Snapshot,
    marks: Marks,
    /// Since when the index on disk has more to follow than fits into memory.
    behind_since: Option<Timestamp>,
}

/// How far a refresh came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The answers hold everything that is in the ledger.
    Current,
    /// More changed than fits into memory, and the index on disk does not hold it yet: a large import is under way.
    /// The answers are as they were.
    Behind,
}

impl Live {
    /// Opens the store at `path` to be answered from. One that can't be trusted is no error here: questions are
    /// answered with it, until [`Live::look`] finds the store mended.
    ///
    /// # Errors
    ///
    /// Untrusted when there is no store at all.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self> {
        Store::require(path)?;
        let live = Self {
            path: path.to_owned(),
            state: ArcSwap::from_pointee(State::Untrusted(Error::untrusted("not opened yet"))),
            base: Mutex::default(),
            compiling: Mutex::default(),
            ledger_generation: AtomicU64::new(0),
        };
        // Told by `answers`.
        let _ = live.refresh(now);
        Ok(live)
    }

    /// What questions are answered from now. Cost: an atomic load.
    ///
    /// # Errors
    ///
    /// Untrusted, with the cure, while no answer can be trusted.
    pub fn answers(&self) -> Result<Arc<Answers>> {
        match &**self.state.load() {
            State::Trusted(answers) => Ok(Arc::clone(answers)),
            State::Untrusted(error) => Err(error.again()),
        }
    }

    /// How many generations of the ledger the answers lack.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let held = self.answers().map_or(0, |answers| answers.generation());
        self.ledger_generation.load(Ordering::Relaxed).saturating_sub(held)
    }

    /// Brings the answers up to the ledger.
    ///
    /// Cost: the changes since; a copy of the states in memory.
    ///
    /// # Errors
    ///
    /// Untrusted when that can't be done. There are no answers then.
    pub fn refresh(&self, now: Timestamp) -> Result<Refreshed> {
        let mut base = self.lock();
        self.refresh_locked(&mut base, now)
    }

    /// Brings the answers up to a change of one's own, which is in the ledger of `written` as `generation`.
    ///
    /// While a large import is under way, this waits for the index on disk to hold that, and makes it hold it if nobody
    /// else does.
    ///
    /// # Errors
    ///
    /// As [`Live::refresh`]: the change is made, and in no answer yet. Untrusted as well when the answers are of another
    /// ledger by now: the change is in files that are gone, and nobody will ever read it.
    pub fn follow(&self, written: &Store, generation: u64, now: Timestamp) -> Result<()> {
        self.follow_anyway(written, generation, now).map_err(|error| {
            let message = format!(
                "the change is in the ledger, generation {generation}, but the index can't follow: {error}"
            );
            Error::untrusted(message).with_source(error)
        })
    }

    fn follow_anyway(&self, written: &Store, generation: u64, now: Timestamp) -> Result<()> {
        for pause in 0..PAUSES_MAX {
            if pause > 0 {
                thread::sleep(PAUSE);
            }
            if self.holds(written, generation, now)? {
                return Ok(());
            }
        }
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.holds(written, generation, now)? {
            // Without the lock on the base: answers go on being brought up.
            let store = self.lock().as_ref().map(|base| Arc::clone(&base.store));
            if let Some(store) = store {
                store.catch_up(now)?;
            }
        }
        if self.holds(written, generation, now)? {
            Ok(())
        } else {
            Err(Error::untrusted("it was overtaken"))
        }
    }

    /// Says whether the answers hold a change of one's own, once they are brought up as far as may be at once.
    fn holds(&self, written: &Store, generation: u64, now: Timestamp) -> Result<bool> {
        let mut base = self.lock();
        let held = |answers: Result<Arc<Answers>>| {
            answers.is_ok_and(|answers| answers.generation() >= generation)
        };
        if base.is_none() || !held(self.answers()) {
            self.refresh_locked(&mut base, now)?;
        }
        let Some(base) = &*base else {
            return Err(Error::untrusted("the store is being opened anew"));
        };
        if !base.marks.ledger_holds() {
            return Err(Error::untrusted("the ledger's files are not those that were opened"));
        }
        // A higher number alone says nothing: the store may have been replaced by one that is ahead.
        if !std::ptr::eq(Arc::as_ptr(&base.store), written)
            && !base.store.has_generation_of(written, generation)?
        {
            return Err(Error::untrusted("the store was replaced by another one"));
        }
        Ok(held(self.answers()))
    }

    /// One look at what other processes did: for a thread that calls it every few milliseconds. Does nothing while
    /// answers are being brought up anyway.
    ///
    /// # Errors
    ///
    /// As [`Live::refresh`].
    pub fn look(&self, now: Timestamp) -> Result<Refreshed> {
        let mut base = match self.base.try_lock() {
            Ok(base) => base,
            Err(TryLockError::Poisoned(poisoned)) => self.given_up(poisoned),
            Err(TryLockError::WouldBlock) => return Ok(Refreshed::Current),
        };
        self.refresh_locked(&mut base, now)
    }

    /// Answers nothing until the next look has opened the store anew: for who watches, after a fault of the program.
    pub fn distrust(&self) {
        let mut base = self.lock();
        *base = None;
        let error = Error::untrusted("a fault of the program; the store is opened anew");
        self.state.store(Arc::new(State::Untrusted(error)));
    }

    /// Looks at the files of the store, so that one that was damaged or replaced is found: for a thread that calls it
    /// a few times a second. Cost: a `stat` a file.
    pub fn look_at_files(&self) {
        let mut base = self.lock();
        // A manifest that was replaced names other segments, and those of the old one may be gone by right: the next
        // look takes it. The manifest is looked at last, for it is replaced before they go.
        let is_other = |base: &Base| !base.marks.hold() && !base.marks.manifest_is_replaced();
        if base.as_ref().is_some_and(is_other) {
            // Opened anew, and checked, by the next look.
            *base = None;
        }
    }

    /// Writes what is in memory into the index on disk, if it is due: for a thread that calls it now and then.
    ///
    /// # Errors
    ///
    /// As the index says. The answers stay as they are.
    pub fn compile_if_due(&self, now: Timestamp) -> Result<()> {
        let store = {
            let base = self.lock();
            let Some(base) = &*base else { return Ok(()) };
            let waited = |since: Timestamp| {
                SignedDuration::from_micros(now.as_micros() - since.as_micros()) >= PATIENCE
            };
            if base.snapshot.overlay_len() < OVERLAY_MAX && !base.behind_since.is_some_and(waited) {
                return Ok(());
            }
            Arc::clone(&base.store)
        };
        let _turn = match self.compiling.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        // Without the lock on the base: answers go on being brought up.
        store.catch_up(now)?;
        self.refresh(now).map(|_| ())
    }

    /// Gives `ask` a view of the ledger and the answers, both of one generation.
    ///
    /// While a large import is under way the view may be of a later one, which [`Reader::is_of_one_generation`] tells.
    ///
    /// # Errors
    ///
    /// Untrusted while no answer can be trusted; what `ask` says.
    pub fn read<T>(&self, now: Timestamp, ask: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        for attempt in 1.. {
            let answers = self.answers()?;
            let view = answers.store.ledger.view()?;
            let ledger = view.position().generation;
            if ledger == answers.generation() {
                return ask(&answers.reader(view));
            }
            // The view began after the answers were taken. That it is older all the same means that the ledger is of
            // another past, which this finds.
            let refreshed = self.refresh(now)?;
            let is_behind = refreshed == Refreshed::Behind || attempt >= ATTEMPTS_MAX;
            if ledger > answers.generation() && is_behind {
                return ask(&answers.reader(view));
            }
            if attempt >= 2 * ATTEMPTS_MAX {
                break;
            }
        }
        Err(Error::untrusted("the store kept changing"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Base>> {
        self.base.lock().unwrap_or_else(|poisoned| self.given_up(poisoned))
    }

    /// What somebody was bringing up who panicked is half done: it is made anew.
    fn given_up<'a>(
        &'a self,
        poisoned: PoisonError<MutexGuard<'a, Option<Base>>>,
    ) -> MutexGuard<'a, Option<Base>> {
        let mut base = poisoned.into_inner();
        *base = None;
        self.base.clear_poison();
        base
    }

    fn refresh_locked(&self, base: &mut Option<Base>, now: Timestamp) -> Result<Refreshed> {
        match self.advance(base, now) {
            Ok(refreshed) => Ok(refreshed),
            Err(error) => {
                *base = None;
                self.state.store(Arc::new(State::Untrusted(error.again())));
                Err(error)
            }
        }
    }

    fn advance(&self, base: &mut Option<Base>, now: Timestamp) -> Result<Refreshed> {
        let is_new = base.is_none();
        let base = match base {
            Some(base) => base,
            None => base.insert(Base::open(&self.path)?),
        };
        let before = base.snapshot.clone();
        if base.marks.manifest_is_replaced() {
            base.reload()?;
        }
        let mut refreshed = base.follow_feed(now, &self.ledger_generation)?;
        if refreshed == Refreshed::Behind && is_new {
            // Nobody is known to be at it, and there are no newer answers to go on with.
            base.store.catch_up(now)?;
            base.reload()?;
            refreshed = base.follow_feed(now, &self.ledger_generation)?;
        }
        if refreshed == Refreshed::Behind && base.snapshot.cursor() < before.cursor() {
            // The index on disk is behind what memory holds, and can't be brought up to it yet.
            check_past(&*base.store.ledger.view()?, before.position())?;
            base.snapshot = before;
        }
        let held = self.answers().ok();
        // The same words again would only cost whoever holds the old ones their cache.
        if held.is_none_or(|held| !held.snapshot.is(&base.snapshot)) {
            self.publish(base);
        }
        Ok(refreshed)
    }

    fn publish(&self, base: &Base) {
        let (store, snapshot) = (Arc::clone(&base.store), base.snapshot.clone());
        let present = Present::of(&snapshot, &store.hasher);
        self.state.store(Arc::new(State::Trusted(Arc::new(Answers { store, snapshot, present }))));
    }
}

/// Opens the store, and marks its files as they were when it was.
fn open_marked(path: &Path) -> Result<(Arc<Store>, Marks)> {
    for _ in 0..OPENINGS_MAX {
        // Before anything is opened: what is replaced in between is found to be.
        let mut marks = Marks::new(path, &path.join(INDEX));
        let store = Arc::new(Store::open(path)?);
        drop(store.ledger.view()?);
        marks.see_log();
        // A command that ended just before this had a log of its own, which went with it.
        if marks.ledger_holds() {
            return Ok((store, marks));
        }
    }
    Err(Error::untrusted("the ledger's files are replaced all the time"))
}

impl Base {
    fn open(path: &Path) -> Result<Self> {
        let (store, mut marks) = open_marked(path)?;
        let index = Index::open(store.directory()?, store.identity.clone(), Access::Resident)?;
        marks.take(index.manifest());
        let snapshot = index.snapshot(Overlay::default(), index.position());
        Ok(Self { store, index, snapshot, marks, behind_since: None })
    }

    /// Takes the index as it is on disk now.
    fn reload(&mut self) -> Result<()> {
        self.marks.see_manifest();
        self.index.reload()?;
        self.marks.take(self.index.manifest());
        // What memory holds beyond it is asked of the ledger again.
        self.snapshot = self.index.snapshot(Overlay::default(), self.index.position());
        Ok(())
    }

    /// Lays what the ledger's feed has since over the snapshot.
    fn follow_feed(&mut self, now: Timestamp, generation: &AtomicU64) -> Result<Refreshed> {
        let view = self.store.ledger.view()?;
        check_past(&*view, self.index.position())?;
        check_past(&*view, self.snapshot.position())?;
        let position = super::at(view.position());
        generation.store(position.generation, Ordering::Relaxed);
        let cursor = Cursor::from_u64(self.snapshot.cursor());
        if self.snapshot.position() == position {
            self.behind_since = None;
            return Ok(Refreshed::Current);
        }
        if view.change_count_after(cursor, CHANGES_MAX + 1)? <= CHANGES_MAX
            && let Some(newer) =
                catch_up::overlay(&*view, cursor, &self.store.hasher, &self.snapshot)?
        {
            self.snapshot = self.snapshot.with_newer(newer, position);
            self.behind_since = None;
            return Ok(Refreshed::Current);
        }
        self.behind_since.get_or_insert(now);
        Ok(Refreshed::Behind)
    }
}

impl Answers {
    /// The number of this state.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot.generation()
    }

    /// The index's side.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What it holds besides addresses, contacts and lists.
    #[must_use]
    pub fn present(&self) -> Present {
        self.present
    }

    /// What makes hashes of keys here.
    #[must_use]
    pub fn hasher(&self) -> &KeyHasher {
        &self.store.hasher
    }

    /// How addresses become keys here.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.store.policy
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn reader<'a>(&'a self, view: Box<dyn crate::ledger::View + 'a>) -> Reader<'a> {
        Reader::new(view, self.snapshot.clone(), &self.store.hasher, self.store.policy)
    }
}

#[cfg(test)]
mod tests;
