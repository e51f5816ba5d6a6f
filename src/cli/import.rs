//! `quell import`: records from files.

use super::args::Import;
use super::terminal::{print_json, print_line};
use super::{Context, clock, exit, files, input};
use crate::error::{Error, Result};
use crate::filter::{Measured, Output};
use crate::import::{Gather, Keyed, NativeFile, Rejects, Taken, read};
use crate::ledger::{ImportCounts, ImportSource, Ledger, StagedRows};
use crate::record::{Kind, NativeRow};
use crate::store::Store;
use serde_json::{Value, json};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Runs the command: each file is applied whole or not at all, one after the other.
///
/// # Errors
///
/// Input for a file that can't be read or has more rejects than allowed: nothing of it is applied, and
/// no later file is looked at.
pub fn run(context: &Context, arguments: &Import) -> Result<u8> {
    let kind = kind(&arguments.kind)?;
    refuse_clashes(arguments)?;
    let store = Store::open(&context.store)?;
    let mut rejects = match &arguments.rejects {
        Some(path) => {
            let out = BufWriter::new(files::open_output(path)?);
            Some(Rejects::new(out).map_err(|error| Error::writing(path, error))?)
        }
        None => None,
    };
    let mut answers = Vec::new();
    let mut outcome = Ok(());
    for file in &arguments.files {
        match import(context, &store, kind, file, arguments.allow_rejects, &mut rejects) {
            Ok(counts) => {
                answers.push(answer(kind, &counts));
                if !arguments.json {
                    outcome = print_line(&words(kind, file, &counts));
                }
            }
            Err(error) => outcome = Err(error),
        }
        if outcome.is_err() {
            break;
        }
    }
    if let (Some(rejects), Some(path)) = (rejects, &arguments.rejects) {
        let out = rejects.into_inner().into_inner();
        let out = out.map_err(|error| Error::writing(path, error.into_error()))?;
        out.publish(false)?;
    }
    // Also before an error: what an earlier file came to is applied.
    if arguments.json {
        match answers.as_slice() {
            [] => {}
            [one] if arguments.files.len() == 1 => print_json(one)?,
            several => print_json(&several)?,
        }
    }
    outcome.map(|()| exit::DONE)
}

/// The rejects would overwrite what they came from, or mix with the counts.
fn refuse_clashes(arguments: &Import) -> Result<()> {
    let rejects: Vec<&Path> = arguments.rejects.as_deref().into_iter().collect();
    let counts = arguments.json.then_some(Path::new("-"));
    let inputs: Vec<&Path> = arguments.files.iter().map(PathBuf::as_path).collect();
    files::refuse_clashes(&rejects, &inputs)?;
    files::refuse_clashes(&[rejects, counts.into_iter().collect()].concat(), &[])
}

fn kind(word: &str) -> Result<Kind> {
    match word {
        "domains" | "digests" => Err(Error::usage(format!("this version has no {word} yet"))
            .with_hint("it imports contacts, unsubscribes, preferences and suppressions")),
        word => input::word(word),
    }
}

fn import(
    context: &Context,
    store: &Store,
    kind: Kind,
    path: &Path,
    allow_rejects: u64,
    rejects: &mut Option<Rejects<BufWriter<Output>>>,
) -> Result<ImportCounts> {
    let input = files::open_input(path)?;
    let length = input.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    let name = path.display().to_string();
    let now = clock::now();
    let source = ImportSource { name: name.clone(), format: "native".to_owned() };
    let mut session = store.ledger_to_change()?.import_session(kind, source, now)?;
    let mut rejected = 0;
    let mut first_reject = None;
    let bar = context.terminal.progress(&format!("read {name}"), length);
    let mut input = Measured::new(input, true);
    let take = |taken: Taken<'_, Staging>| match taken {
        Taken::Records(rows) => session.take(&rows.0),
        Taken::Reject(reject) => {
            rejected += 1;
            first_reject.get_or_insert_with(|| format!("line {}: {}", reject.line, reject.cause));
            let Some(rejects) = rejects else { return Ok(()) };
            rejects.add(&reject).map_err(|error| Error::writing(Path::new("rejects"), error))
        }
    };
    let file = NativeFile { input: &mut input, name: &name, kind, policy: store.policy() };
    let read = read(file, Staging::default, take, &|bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let read = read?;
    if rejected > allow_rejects {
        session.abandon();
        let first = first_reject.unwrap_or_default();
        let message = format!(
            "`{name}`: {rejected} of {read} rows can't be understood, {allow_rejects} allowed; the \
             first is {first}; nothing of the file was applied"
        );
        return Err(Error::input(message).with_hint(
            "list them with --rejects PATH; mend them, or accept their loss with --allow-rejects N",
        ));
    }
    let spinner = context.terminal.progress(&format!("apply {name}"), None);
    let digest = input.digest().map(|digest| digest.to_string()).unwrap_or_default();
    let counts = session.apply(read, rejected, &digest)?;
    spinner.set_message("compile");
    store.catch_up(clock::now())?;
    spinner.finish_and_clear();
    Ok(counts)
}

/// Rows on their way from the file to the ledger.
#[derive(Default)]
struct Staging(StagedRows);

impl Gather for Staging {
    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        rows.iter().try_for_each(|(key, row)| self.0.push(key, row))
    }

    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.0.push(key, row)
    }
}

fn answer(kind: Kind, counts: &ImportCounts) -> Value {
    json!({
        "kind": kind.as_str(),
        "format": "native",
        "read": counts.read,
        "added": counts.added,
        "unchanged": counts.unchanged,
        "held": counts.held,
        "rejected": counts.rejected,
        "generation": counts.generation,
    })
}

fn words(kind: Kind, path: &Path, counts: &ImportCounts) -> String {
    let ImportCounts { read, added, unchanged, held, rejected, generation } = counts;
    format!(
        "{kind} `{}`: read {read}, added {added}, unchanged {unchanged}, held {held}, rejected \
         {rejected}, generation {generation}",
        path.display()
    )
}
