//! `quell sync`: a source's complete file, and what was deleted there deleted here.

mod diff;
mod gather;

use super::args::Sync;
use super::import::with_package;
use super::resubscribe::permission_of;
use super::{Context, clock, digest_warning, exit, input};
use crate::action::import::{Package, Said, named};
use crate::error::{Error, Result};
use crate::import::detect::Form;
use crate::ledger::sync::Share;
use crate::ledger::{Brake, ImportSource, Ledger, Limit, SyncFile, SyncRequest, Synced};
use crate::record::{Kind, Timestamp};
use crate::storage::start_threads;
use crate::store::{Changed, Store};
use diff::Diff;
use gather::{Gathered, gather};
use serde_json::{Value, json};

/// Runs the command.
///
/// # Errors
///
/// Refused without permission, unless it is a dry run, and when a brake stops it: nothing is changed then. Input for
/// a file that can't be read, or of which a row can't be understood.
pub fn run(context: &Context, arguments: &Sync) -> Result<u8> {
    let kind: Kind = input::word(&arguments.kind)?;
    let form = form(kind, arguments.format.as_deref())?;
    let request = request(arguments)?;
    let list = arguments.list.as_deref().map(input::list).transpose()?;
    start_threads()?;
    let store = Store::open(&context.store)?;
    let said = Said {
        list: list.as_deref(),
        policy: store.policy(),
        allow_public_suffix: arguments.allow_public_suffix,
    };
    let now = clock::now();
    let (gathered, sha256) = with_package(&arguments.file, arguments.encoding, |package| {
        let job = Job { context, store: &store, form, request: &request, said, now };
        job.gather(package)
    })?;
    let Gathered { session, read, rejected, has_header, ended, cut, first_reject } = gathered;
    let name = arguments.file.display().to_string();
    if rejected > 0 && cut.is_none() {
        session.abandon();
        return Err(too_many_rejects(&name, rejected, read, &first_reject));
    }
    let file = SyncFile { read, rejected, sha256, has_header, ended, cut };
    let spinner = context.terminal.progress(&format!("apply {name}"), None);
    let mut diff = Diff::new(&store, kind, now, arguments)?;
    let synced = session.sync(&file, &request, &mut |removal| diff.add(removal))?;
    if synced.applied {
        spinner.set_message("compile");
        let late = store.follow(Changed::Many, synced.counts.generation, clock::now())?;
        context.terminal.warn_late(late.as_ref());
    }
    spinner.finish_and_clear();
    let about = About { kind, form, name: &name, request: &request, synced: &synced };
    note(context, &about);
    if arguments.json {
        diff.print_json(&about.to_json())?
    } else {
        diff.print(&about.to_words())?
    }
    if synced.applied && form.holds_digests() {
        digest_warning::warn(context, &store, &synced.counts)?;
    }
    match stopped(&synced.brakes) {
        Some(error) => Err(error),
        None => Ok(exit::DONE),
    }
}

/// What the file is read as.
fn form(kind: Kind, format: Option<&str>) -> Result<Form> {
    let Some(format) = format.filter(|format| !format.trim().eq_ignore_ascii_case("native")) else {
        return Ok(Form::Native(kind));
    };
    let format = named(format)?;
    if format.kind != kind {
        return Err(Error::usage(format!(
            "a {} file holds {}, not {kind}",
            format.name, format.kind
        )));
    }
    Ok(Form::Vendor(format))
}

fn request(arguments: &Sync) -> Result<SyncRequest> {
    let Sync { permission, evidence, by, dry_run, .. } = arguments;
    let source = arguments.source.trim();
    if source.is_empty() {
        return Err(Error::usage("the name of the source is empty")
            .with_hint("give --source a name, the same for each file of this source"));
    }
    let limit = arguments.max_removals.as_deref().map(limit).transpose()?.unwrap_or_default();
    let permission = if *dry_run {
        None
    } else {
        let given = permission_of(permission.as_deref(), evidence.as_deref(), by.as_deref())?;
        Some(given)
    };
    let allow_empty = arguments.allow_empty;
    Ok(SyncRequest { source: source.to_owned(), permission, limit, allow_empty, dry_run: *dry_run })
}

fn limit(text: &str) -> Result<Limit> {
    let text = text.trim();
    let limit = match text.strip_suffix('%') {
        Some(share) => Share::of_percent(share.trim()).map(Limit::Share),
        None => text.parse().ok().map(Limit::Count),
    };
    limit.ok_or_else(|| {
        Error::usage(format!("`{text}` is no number of removals"))
            .with_hint("write it as `250`, or as a share of what the source owns: `2%`")
    })
}

fn too_many_rejects(name: &str, rejected: u64, read: u64, first: &str) -> Error {
    Error::input(format!(
        "`{name}`: {rejected} of {read} rows can't be understood, the first is {first}; nothing was \
         changed"
    ))
    .with_hint("mend them: whoever stands in them would be taken for deleted")
}

/// The error of a sync that its brakes stopped.
fn stopped(brakes: &[Brake]) -> Option<Error> {
    let first = brakes.first()?;
    let said: Vec<String> = brakes.iter().map(Brake::to_string).collect();
    let message = format!("stopped, nothing was changed: {}", said.join("; "));
    Some(Error::refused(message).with_hint(first.hint()))
}

/// What is done with the file.
struct Job<'j> {
    context: &'j Context,
    store: &'j Store,
    form: Form,
    request: &'j SyncRequest,
    said: Said<'j>,
    now: Timestamp,
}

impl<'j> Job<'j> {
    /// Reads the file into a session.
    fn gather(&self, package: &mut Package<'_>) -> Result<Gathered<'j>> {
        let terminal = self.context.terminal;
        for member in &package.beside {
            terminal.note(&format!("`{}`: `{member}` is not read", package.name));
        }
        let source =
            ImportSource { name: package.name.clone(), format: self.form.name().to_owned() };
        let ledger = self.store.ledger_to_change()?;
        let session = ledger.import_session(self.form.kind(), source, self.now)?;
        let bar = terminal.progress(&format!("read {}", package.name), package.bytes);
        let source = &self.request.source;
        let gathered =
            gather(package, self.form, session, self.said, source, &|bytes| bar.inc(bytes))?;
        bar.finish_and_clear();
        Ok(gathered)
    }
}

/// Says what a user must know of a first sync.
fn note(context: &Context, about: &About<'_>) {
    let About { kind, request, synced, .. } = about;
    let source = &request.source;
    if synced.is_baseline() && synced.brakes.is_empty() {
        context.terminal.note(&format!(
            "first sync of {kind} of source `{source}`: the baseline, nothing is removed; what the file adds, and {} \
             records without a source that it names, are `{source}`'s from now on",
            synced.adopted
        ));
    }
}

/// A sync as it is told.
struct About<'a> {
    kind: Kind,
    form: Form,
    name: &'a str,
    request: &'a SyncRequest,
    synced: &'a Synced,
}

impl About<'_> {
    fn to_json(&self) -> Value {
        let Synced { counts, lifted, removed, adopted, passed_on, complaints, .. } = self.synced;
        let Synced { owned, released, brakes, applied, .. } = self.synced;
        let brakes: Vec<Value> = brakes.iter().map(Brake::to_json).collect();
        json!({
            "kind": self.kind.as_str(),
            "format": self.form.name(),
            "source": self.request.source,
            "dry_run": self.request.dry_run,
            "applied": applied,
            "baseline": self.synced.is_baseline(),
            "read": counts.read,
            "added": counts.added - lifted,
            "unchanged": counts.unchanged,
            "lifted": lifted,
            "held": counts.held,
            "rejected": counts.rejected,
            "owned": owned,
            "adopted": adopted,
            "passed_on": passed_on,
            "removed": removed,
            "released": released,
            "complaints_kept": complaints,
            "limit": self.request.limit.allows(*owned),
            "stopped_by": brakes,
            "generation": counts.generation,
        })
    }

    fn to_words(&self) -> String {
        let Synced { counts, lifted, removed, adopted, passed_on, complaints, .. } = self.synced;
        let mut words = format!(
            "{} `{}`, source {}: read {}, added {}, unchanged {}, lifted {lifted}, held {}, rejected {}, adopted \
             {adopted}, removed {removed}",
            self.kind,
            self.name,
            self.request.source,
            counts.read,
            counts.added - lifted,
            counts.unchanged,
            counts.held,
            counts.rejected,
        );
        if *passed_on > 0 {
            words.push_str(&format!(", passed on {passed_on}"));
        }
        if *complaints > 0 {
            words.push_str(&format!(", complaints kept {complaints}"));
        }
        let end = if self.synced.applied {
            format!(", generation {}", counts.generation)
        } else if self.request.dry_run {
            "; dry run, nothing was changed".to_owned()
        } else {
            "; stopped, nothing was changed".to_owned()
        };
        words + &end
    }
}
