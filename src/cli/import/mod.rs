//! `quell import`: records from files.

pub(super) mod choose;
mod dry_run;
pub(super) mod package;
mod rejects;

use super::args::Import;
use super::terminal::{print_json, print_line};
use super::{Context, clock, digest_warning, exit, files, input};
use crate::address::Policy;
use crate::error::{Error, Result};
use crate::import::detect::{Candidate, Form};
use crate::import::vendor::{self, VendorFile};
use crate::import::{Gather, Keyed, NativeFile, Reject, Taken, read};
use crate::ledger::{ImportCounts, ImportSession, ImportSource, Ledger, StagedRows};
use crate::record::NativeRow;
use crate::storage::start_threads;
use crate::store::{Changed, Store};
use choose::{Choice, choice, decide};
use package::{Looked, Package, with_package};
use rejects::RejectsFile;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs the command: each file is applied whole or not at all, one after the other.
///
/// # Errors
///
/// Input for a file that can't be read, is not recognised or has more rejects than allowed: nothing of it
/// is applied, and no later file is looked at.
pub fn run(context: &Context, arguments: &Import) -> Result<u8> {
    let (choice, files) = choice(arguments)?;
    refuse_clashes(arguments, files)?;
    let list = arguments.list.as_deref().map(input::list).transpose()?;
    let list = list.as_deref();
    start_threads()?;
    let mode = if arguments.dry_run {
        Mode::Foresee(dry_run::policy(&context.store)?)
    } else {
        Mode::Apply(Box::new(Store::open(&context.store)?))
    };
    let rejects = RejectsFile::create(arguments.rejects.as_deref(), files.len())?;
    let mut job = Job { context, arguments, choice, list, rejects };
    let mut answers = Vec::new();
    let outcome = files.iter().try_for_each(|path| match &mode {
        Mode::Apply(store) => job.import(store, path, &mut answers),
        Mode::Foresee(policy) => job.foresee(path, *policy, &mut answers),
    });
    job.rejects.publish()?;
    // Also before an error: what an earlier file came to is applied.
    if arguments.json {
        match answers.as_slice() {
            [] => {}
            [one] if files.len() == 1 => print_json(one)?,
            several => print_json(&several)?,
        }
    }
    outcome.map(|()| exit::DONE)
}

/// Whether the files are applied or only looked at.
enum Mode {
    Apply(Box<Store>),
    Foresee(Policy),
}

/// The rejects would overwrite what they came from, or mix with the counts.
fn refuse_clashes(arguments: &Import, inputs: &[PathBuf]) -> Result<()> {
    let rejects: Vec<&Path> = arguments.rejects.as_deref().into_iter().collect();
    let counts = arguments.json.then_some(Path::new("-"));
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    files::refuse_clashes(&rejects, &inputs)?;
    files::refuse_clashes(&[rejects, counts.into_iter().collect()].concat(), &[])
}

/// What the command was asked to do with each file.
struct Job<'j> {
    context: &'j Context,
    arguments: &'j Import,
    choice: Choice,
    list: Option<&'j str>,
    rejects: RejectsFile,
}

impl<'j> Job<'j> {
    /// Applies a file whole, or not at all.
    fn import(&mut self, store: &Store, path: &Path, answers: &mut Vec<Value>) -> Result<()> {
        let terminal = self.context.terminal;
        let mut form = None;
        let (gathered, digest) = with_package(path, self.arguments.encoding, |package| {
            let candidate = self.decide(package)?;
            form = Some(candidate.form);
            let source = ImportSource {
                name: package.name.clone(),
                format: candidate.form.name().to_owned(),
            };
            let now = clock::now();
            let kind = candidate.form.kind();
            let session = store.ledger_to_change()?.import_session(kind, source, now)?;
            let said = self.said(store.policy());
            self.gather(package, candidate.form, session, said)
        })?;
        let Some(form) = form else { return Ok(()) };
        let name = path.display().to_string();
        let allowed = self.arguments.allow_rejects;
        let Gathered { session, read, rejected, first_reject } = gathered;
        if rejected > allowed {
            session.abandon();
            return Err(too_many_rejects(&name, (rejected, read, allowed), &first_reject));
        }
        let spinner = terminal.progress(&format!("apply {name}"), None);
        let counts = session.apply(read, rejected, &digest)?;
        spinner.set_message("compile");
        let late = store.follow(Changed::Many, counts.generation, clock::now());
        spinner.finish_and_clear();
        terminal.warn_late(late?.as_ref());
        if form.holds_digests() {
            digest_warning::warn(self.context, store, &counts)?;
        }
        if let Form::Vendor(format) = form
            && let Some(note) = format.note
        {
            terminal.note(&format!("`{name}`: {note}"));
        }
        answers.push(answer(form, &counts));
        if self.arguments.json { Ok(()) } else { print_line(&words(form, &name, &counts)) }
    }

    /// Says what a file would come to.
    fn foresee(&mut self, path: &Path, policy: Policy, answers: &mut Vec<Value>) -> Result<()> {
        let (refused, _) = with_package(path, self.arguments.encoding, |package| {
            let candidate = self.decide(package)?;
            let foreseen =
                dry_run::foresee(package, candidate, self.said(policy), &mut self.rejects)?;
            if self.arguments.json {
                answers.push(foreseen.to_json(&package.name, package.compression, candidate));
            } else {
                foreseen.print(&package.name, candidate)?;
            }
            Ok(dry_run::would_refuse(&foreseen, &package.name, self.arguments.allow_rejects))
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// What files can't say themselves.
    fn said(&self, policy: Policy) -> Said<'j> {
        let allow_public_suffix = self.arguments.allow_public_suffix;
        Said { list: self.list, policy, allow_public_suffix }
    }

    fn decide(&self, package: &Package<'_>) -> Result<Candidate> {
        for member in &package.beside {
            self.context.terminal.note(&format!("`{}`: `{member}` is not read", package.name));
        }
        let candidate = decide(self.choice, &package.looked(), &package.name)?;
        self.context.terminal.detail(&format!(
            "`{}`: {}, by {}",
            package.name,
            candidate.form.name(),
            candidate.why
        ));
        Ok(candidate)
    }

    /// Reads the texts of a package into the session.
    fn gather<'s>(
        &mut self,
        package: &mut Package<'_>,
        form: Form,
        mut session: Box<dyn ImportSession + 's>,
        said: Said<'_>,
    ) -> Result<Gathered<'s>> {
        let bar = self.context.terminal.progress(&format!("read {}", package.name), package.bytes);
        let (mut read, mut rejected, mut first_reject) = (0, 0, None);
        let next = AtomicU32::new(0);
        let rejects = &mut self.rejects;
        package.read(&mut |looked, input| {
            let gather = || Staging::new(&next);
            let take = |taken: Taken<'_, Staging<'_>>| match taken {
                Taken::Records(staged) => session.take(&staged.rows),
                Taken::Reject(reject) => {
                    rejected += 1;
                    first_reject.get_or_insert_with(|| told(looked, &reject));
                    rejects.add(looked, &reject)
                }
            };
            read += read_form(form, looked, input, said, gather, take, &|bytes| bar.inc(bytes))?;
            Ok(())
        })?;
        bar.finish_and_clear();
        let first_reject = first_reject.unwrap_or_default();
        Ok(Gathered { session, read, rejected, first_reject })
    }
}

/// What files can't say themselves: the list, how addresses become keys, and what is allowed.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) list: Option<&'a str>,
    pub(super) policy: Policy,
    pub(super) allow_public_suffix: bool,
}

/// A file, read and not applied yet.
struct Gathered<'s> {
    session: Box<dyn ImportSession + 's>,
    read: u64,
    rejected: u64,
    first_reject: String,
}

/// Reads one text as what it is.
pub(super) fn read_form<G: Gather>(
    form: Form,
    looked: &Looked,
    input: &mut (dyn Read + Send),
    said: Said<'_>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let name = looked.name.as_str();
    let Said { list, policy, allow_public_suffix } = said;
    match form {
        Form::Native(_) if list.is_some() => {
            Err(Error::usage("a native file names its lists itself").with_hint("leave --list out"))
        }
        Form::Native(kind) => {
            let file = NativeFile { input, name, kind, policy, allow_public_suffix };
            read(file, gather, take, progress)
        }
        Form::Vendor(format) => {
            let seen = &looked.seen;
            let file = VendorFile { input, name, seen, format, list, policy };
            vendor::read(file, gather, take, progress)
        }
    }
}

/// Where and why a row can't be understood.
pub(super) fn told(looked: &Looked, reject: &Reject<'_>) -> String {
    let member = looked.member.as_ref().map(|member| format!("`{member}` ")).unwrap_or_default();
    format!("{member}line {}: {}", reject.line, reject.cause)
}

/// The error of a file with so many rejects, of so many rows, where so many are allowed.
fn too_many_rejects(name: &str, counts: (u64, u64, u64), first: &str) -> Error {
    let (rejected, read, allowed) = counts;
    let message = format!(
        "`{name}`: {rejected} of {read} rows can't be understood, {allowed} allowed; the first is \
         {first}; nothing of the file was applied"
    );
    Error::input(message).with_hint(
        "list them with --rejects PATH; mend them, or accept their loss with --allow-rejects N",
    )
}

/// Rows on their way from the file to the ledger.
pub(super) struct Staging<'n> {
    pub(super) rows: StagedRows,
    /// The number of the next row of several records.
    next: &'n AtomicU32,
}

impl<'n> Staging<'n> {
    /// No rows yet; rows of several records are numbered by `next`, across threads and files.
    pub(super) fn new(next: &'n AtomicU32) -> Self {
        Self { rows: StagedRows::default(), next }
    }
}

impl Gather for Staging<'_> {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.rows.push(key, row)
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        if rows.is_empty() {
            self.rows.pass_over();
            return Ok(());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number == u32::MAX {
            return Err(Error::input("more than 4,294,967,295 rows of several records"));
        }
        self.rows.push_several(number, rows.iter().map(|(key, row)| (&**key, row)))
    }
}

fn answer(form: Form, counts: &ImportCounts) -> Value {
    json!({
        "kind": form.kind().as_str(),
        "format": form.name(),
        "read": counts.read,
        "added": counts.added,
        "unchanged": counts.unchanged,
        "held": counts.held,
        "rejected": counts.rejected,
        "generation": counts.generation,
    })
}

fn words(form: Form, name: &str, counts: &ImportCounts) -> String {
    let ImportCounts { read, added, unchanged, held, rejected, generation } = counts;
    let what = match form {
        Form::Native(kind) => kind.as_str(),
        Form::Vendor(format) => format.name,
    };
    format!(
        "{what} `{name}`: read {read}, added {added}, unchanged {unchanged}, held {held}, rejected \
         {rejected}, generation {generation}"
    )
}
