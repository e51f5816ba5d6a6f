//! `quell import`: records from files.

mod choose;
mod dry_run;
mod rejects;

use super::args::Import;
use super::terminal::{print_json, print_line};
use super::{Context, clock, digest_warning, exit, files, input};
use crate::action::import::{self, Choice, Package, Said, TakeReject, decide};
use crate::address::Policy;
use crate::error::Result;
use crate::import::detect::{Candidate, Form};
use crate::ledger::ImportCounts;
use crate::source::EncodingChoice;
use crate::storage::start_threads;
use crate::store::{Changed, Store};
use choose::choice;
use rejects::RejectsFile;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
            let said = self.said(store.policy());
            let bar = terminal.progress(&format!("read {}", package.name), package.bytes);
            let rejects = &mut self.rejects;
            let gathered = import::gather(
                store,
                package,
                candidate,
                said,
                clock::now(),
                &mut |looked, row| rejects.add(looked, row),
                &|bytes| bar.inc(bytes),
            )?;
            bar.finish_and_clear();
            Ok(gathered)
        })?;
        let Some(form) = form else { return Ok(()) };
        let name = path.display().to_string();
        let spinner = terminal.progress(&format!("apply {name}"), None);
        let counts = gathered
            .apply(&name, self.arguments.allow_rejects, &digest)
            .inspect_err(|_| spinner.finish_and_clear())?;
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
            let said = self.said(policy);
            let rejects = &mut self.rejects;
            let reject: TakeReject<'_> = &mut |looked, row| rejects.add(looked, row);
            let foreseen = import::foresee(package, candidate, said, reject, &|_| ())?;
            if self.arguments.json {
                answers.push(foreseen.to_json());
            } else {
                dry_run::print_foreseen(&foreseen)?;
            }
            Ok(foreseen.refusal(self.arguments.allow_rejects))
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
        let looked = package.looked();
        let candidate = decide(self.choice, &looked, &package.name, "the command line")?;
        self.context.terminal.detail(&format!(
            "`{}`: {}, by {}",
            package.name,
            candidate.form.name(),
            candidate.why
        ));
        Ok(candidate)
    }
}

/// Opens what the command line names, as [`package::with_package`](crate::action::import::with_package) does.
///
/// # Errors
///
/// As there, and input for a file that can't be opened.
pub(super) fn with_package<T>(
    path: &Path,
    encoding: Option<EncodingChoice>,
    job: impl FnOnce(&mut Package<'_>) -> Result<T>,
) -> Result<(T, String)> {
    let file = files::open_input(path)?;
    import::with_package(&file, &path.display().to_string(), encoding, job)
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
