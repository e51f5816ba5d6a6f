//! An uploaded file on its way: read, shown, applied or let go.

use super::said::Wanted;
use crate::action::import::{self, Foreseen, candidates, decide, with_package};
use crate::error::{Error, Result};
use crate::import::Rejects;
use crate::import::detect::{Candidate, Form};
use crate::ledger::ImportCounts;
use crate::service::State;
use crate::service::access::Caller;
use crate::storage::start_threads;
use crate::store::Changed;
use std::fs::File;
use std::io::{BufWriter, Seek};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A file is kept for so long after anybody last looked at it.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// Who says what a file is, when the form does.
const TOLD: &str = "the choice in the form";

/// An uploaded file.
pub(super) struct Job {
    /// What its pages are found by: 128 random bits in hex.
    pub id: String,
    /// Who sent it.
    pub by: Caller,
    /// Its name, as the browser gave it.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// It has no name on disk: it is gone when this is.
    file: File,
    progress: Progress,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    status: Status,
    wanted: Wanted,
    touched: Instant,
}

/// How far reading is.
#[derive(Debug, Default)]
struct Progress {
    done: AtomicU64,
    /// 0 when that is not known before.
    total: AtomicU64,
}

/// How far a file came.
#[derive(Clone)]
pub(super) enum Status {
    /// It is being read.
    Reading,
    /// It may be several things: somebody must say which.
    Ambiguous(Vec<Candidate>),
    /// It was read, and nothing is applied.
    Foreseen(Arc<Preview>),
    /// It is being applied.
    Applying,
    /// It is applied.
    Applied(Applied),
    /// Nothing was applied, unless the words say so.
    Failed(Fault),
}

/// What a file would come to.
pub(super) struct Preview {
    /// In values.
    pub foreseen: Foreseen,
    /// The rows that can't be understood, as `import --rejects` writes them.
    pub rejects: File,
}

/// What a file came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied {
    /// What it was read as.
    pub form: Form,
    /// What became of its rows.
    pub counts: ImportCounts,
}

/// Why a file came to nothing.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// In a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether something else may be said of the file, and it be read again.
    pub again: bool,
}

impl Job {
    /// A file that was received whole. It is not read yet.
    pub fn new(
        id: String,
        by: Caller,
        name: String,
        bytes: u64,
        file: File,
        wanted: Wanted,
    ) -> Self {
        let message = "the file is not read yet".to_owned();
        let status = Status::Failed(Fault { message, hint: None, again: true });
        let inner = Inner { status, wanted, touched: Instant::now() };
        Self {
            id,
            by,
            name,
            bytes,
            file,
            progress: Progress::default(),
            inner: Mutex::new(inner),
            changed: Notify::new(),
        }
    }

    /// Reads the file as `wanted` says it is, on a thread of its own, and applies nothing.
    ///
    /// # Errors
    ///
    /// Usage while it is being read or applied; untrusted when there is no thread.
    pub fn foresee(self: &Arc<Self>, state: &State, wanted: Wanted) -> Result<()> {
        {
            let mut inner = self.lock();
            Self::require_idle(&inner)?;
            inner.wanted = wanted;
            inner.status = Status::Reading;
        }
        self.start(state, Self::read)
    }

    /// Applies the file, with `allowed` rows left out that can't be understood.
    ///
    /// # Errors
    ///
    /// Usage unless it was read, and shown to be what it will be applied as; untrusted when there is no thread.
    pub fn apply(self: &Arc<Self>, state: &State, allowed: u64) -> Result<()> {
        {
            let mut inner = self.lock();
            Self::require_idle(&inner)?;
            let Status::Foreseen(_) = inner.status else {
                return Err(Error::usage("there is nothing to apply")
                    .with_hint("the file has to be read first"));
            };
            inner.status = Status::Applying;
        }
        self.start(state, move |job, state| job.write(state, allowed))
    }

    fn require_idle(inner: &Inner) -> Result<()> {
        match inner.status {
            Status::Reading | Status::Applying => {
                Err(Error::usage("the file is being read").with_hint("wait until that is done"))
            }
            Status::Applied(_) => Err(Error::usage("the file is applied already")),
            _ => Ok(()),
        }
    }

    /// How far it came. Whoever asks keeps the file for longer.
    pub fn status(&self) -> Status {
        let mut inner = self.lock();
        inner.touched = Instant::now();
        inner.status.clone()
    }

    /// What was said of the file.
    pub fn wanted(&self) -> Wanted {
        self.lock().wanted.clone()
    }

    /// How many bytes of it were read, of how many, if that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        let total = self.progress.total.load(Ordering::Relaxed);
        (self.progress.done.load(Ordering::Relaxed), (total > 0).then_some(total))
    }

    /// Whether it is being read or applied.
    pub fn is_running(&self) -> bool {
        matches!(self.lock().status, Status::Reading | Status::Applying)
    }

    /// Whether it is being applied.
    pub fn is_applying(&self) -> bool {
        matches!(self.lock().status, Status::Applying)
    }

    /// Whether nobody came back for it.
    pub fn is_stale(&self) -> bool {
        let inner = self.lock();
        !matches!(inner.status, Status::Reading | Status::Applying)
            && inner.touched.elapsed() >= KEPT
    }

    /// Waits until it is neither read nor applied, for `patience` at most.
    pub async fn settled(&self, patience: Duration) {
        let waited = async {
            loop {
                // Made before the look, so that nothing is missed in between.
                let changed = self.changed.notified();
                if !self.is_running() {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(patience, waited).await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, status: Status) {
        let mut inner = self.lock();
        inner.status = status;
        inner.touched = Instant::now();
        drop(inner);
        self.changed.notify_waiters();
    }

    fn start(
        self: &Arc<Self>,
        state: &State,
        work: impl FnOnce(&Self, &State) -> Result<Status> + Send + 'static,
    ) -> Result<()> {
        self.progress.done.store(0, Ordering::Relaxed);
        let running = Running { job: Arc::clone(self), is_over: false };
        let state = state.clone();
        std::thread::Builder::new()
            .name("quell-import".to_owned())
            .spawn(move || {
                let done = work(&running.job, &state);
                running.end(done.unwrap_or_else(|error| Fault::of(&error, true)));
            })
            .map(|_| ())
            .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))
    }

    /// What the file would come to.
    fn read(&self, state: &State) -> Result<Status> {
        start_threads()?;
        let wanted = self.wanted();
        let policy = state.live().answers()?.policy();
        let failed = |error| Error::writing(Path::new("the rows that can't be understood"), error);
        let spool = tempfile::tempfile_in(&state.settings().store).map_err(failed)?;
        let mut rejects = Rejects::new(BufWriter::new(spool)).map_err(failed)?;
        self.rewind()?;
        let (read, _) = with_package(&self.file, &self.name, wanted.encoding, |package| {
            self.progress.total.store(package.bytes.unwrap_or_default(), Ordering::Relaxed);
            let looked = package.looked();
            let found = match candidates(wanted.choice, &looked, &self.name, TOLD) {
                Ok(found) => found,
                Err(error) => return Ok(Err(Fault::of(&error, false))),
            };
            let [candidate] = found.as_slice() else { return Ok(Err(Status::Ambiguous(found))) };
            let foreseen = import::foresee(
                package,
                *candidate,
                wanted.said(policy),
                &mut |looked, row| rejects.add(looked.member.as_deref(), row).map_err(failed),
                &|bytes| self.count(bytes),
            )?;
            Ok(Ok(foreseen))
        })?;
        let foreseen = match read {
            Ok(foreseen) => foreseen,
            Err(status) => return Ok(status),
        };
        let rejects = rejects.into_inner().into_inner();
        let rejects = rejects.map_err(|error| failed(error.into_error()))?;
        Ok(Status::Foreseen(Arc::new(Preview { foreseen, rejects })))
    }

    /// Applies the file; the answers have it when this returns.
    fn write(&self, state: &State, allowed: u64) -> Result<Status> {
        let wanted = self.wanted();
        let answers = state.live().answers()?;
        let store = answers.store();
        self.rewind()?;
        let mut form = None;
        let (gathered, digest) =
            with_package(&self.file, &self.name, wanted.encoding, |package| {
                let candidate = decide(wanted.choice, &package.looked(), &self.name, TOLD)?;
                form = Some(candidate.form);
                // For the history: a command has a path here, the console who sent the file.
                package.name = format!("{} (console, by {})", self.name, self.by.name);
                import::gather(
                    store,
                    package,
                    candidate,
                    wanted.said(store.policy()),
                    state.now(),
                    &mut |_, _| Ok(()),
                    &|bytes| self.count(bytes),
                )
            })?;
        let form = form.ok_or_else(|| Error::input("there is nothing in the file"))?;
        let counts = gathered.apply(&self.name, allowed, &digest)?;
        state.metrics().imported(Some(form.kind()), &counts);
        let (by, kind, format) = (self.by.logged(), form.kind().as_str(), form.name());
        let ImportCounts { read, added, held, rejected, generation, .. } = counts;
        tracing::info!(%by, kind, format, read, added, held, rejected, generation, "import applied");
        // The index on disk first: opt-outs go on meanwhile.
        let followed = store.follow(Changed::Many, generation, state.now());
        let followed = followed.and_then(|_| state.live().follow(store, generation, state.now()));
        match followed {
            Ok(()) => Ok(Status::Applied(Applied { form, counts })),
            Err(error) => Ok(Fault::of(&error, false)),
        }
    }

    fn rewind(&self) -> Result<()> {
        let rewound = (&self.file).rewind();
        rewound.map_err(|error| Error::reading(Path::new(&self.name), error))
    }

    fn count(&self, bytes: u64) {
        self.progress.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Fault {
    fn of(error: &Error, with_hint: bool) -> Status {
        let hint = error.hint().filter(|_| with_hint).map(str::to_owned);
        Status::Failed(Self { message: error.to_string(), hint, again: true })
    }
}

/// A job at work: whatever ends it, the job is not left as if it were at work still.
struct Running {
    job: Arc<Job>,
    /// Its work came to an end. The job's own status doesn't say so: by the time this is dropped it may be at its next
    /// work.
    is_over: bool,
}

impl Running {
    fn end(mut self, status: Status) {
        self.is_over = true;
        self.job.set(status);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            let message = if self.job.is_applying() {
                "the file could not be worked on to its end; see in the history whether it was applied"
            } else {
                "the file could not be read to its end; nothing was applied"
            };
            self.job.set(Status::Failed(Fault {
                message: message.to_owned(),
                hint: None,
                again: false,
            }));
        }
    }
}

/// The files that wait, are read or applied.
#[derive(Default)]
pub(in crate::service::console) struct Jobs(Mutex<Vec<Arc<Job>>>);

impl Jobs {
    /// Takes a file in, in place of the one that the same caller sent before.
    ///
    /// # Errors
    ///
    /// Refused while that one is being applied.
    pub(super) fn put(&self, job: &Arc<Job>) -> Result<()> {
        let mut jobs = self.lock();
        self.require_none(&jobs, &job.by)?;
        jobs.retain(|known| known.by.name != job.by.name && !known.is_stale());
        jobs.push(Arc::clone(job));
        Ok(())
    }

    /// Fails while a file of the caller's is being applied.
    ///
    /// # Errors
    ///
    /// Refused then.
    pub(super) fn require_room(&self, by: &Caller) -> Result<()> {
        self.require_none(&self.lock(), by)
    }

    /// The caller's file of this id.
    pub(super) fn find(&self, id: &str, by: &Caller) -> Option<Arc<Job>> {
        let jobs = self.lock();
        jobs.iter().find(|job| job.id == id && job.by.name == by.name).cloned()
    }

    /// Lets go of a file.
    ///
    /// # Errors
    ///
    /// Refused while it is being applied.
    pub(super) fn let_go(&self, job: &Arc<Job>) -> Result<()> {
        if job.is_applying() {
            return Err(Error::refused("the file is being applied"));
        }
        self.lock().retain(|known| !Arc::ptr_eq(known, job));
        Ok(())
    }

    /// Lets go of what nobody came back for.
    pub(super) fn sweep(&self) {
        self.lock().retain(|job| !job.is_stale());
    }

    fn require_none(&self, jobs: &[Arc<Job>], by: &Caller) -> Result<()> {
        if jobs.iter().any(|job| job.by.name == by.name && job.is_applying()) {
            return Err(Error::refused("your last file is being applied")
                .with_hint("wait until that is done"));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After so long a file that nobody came back for is looked for and let go.
pub(super) const SWEPT_AFTER: Duration = KEPT.saturating_add(Duration::from_secs(1));
