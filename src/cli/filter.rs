//! `quell filter`: the rows that may be mailed.

mod answers;
mod brakes;
mod certificate;
mod columnar;
mod format;
mod input;
mod links;
mod results;

use super::args::{Filter as Arguments, Invalid};
use super::terminal::Terminal;
use super::{Context, clock, exit, files, input as words};
use crate::delimited::Limits;
use crate::error::{Error, Result};
use crate::filter::{
    Beside, ColumnChoice, Filter, NearMisses, OnInvalid, Options, Report, Run, Summary,
};
use crate::record::{Reason, Timestamp};
use answers::Answers;
use brakes::Brakes;
use format::{Asked, InputFormat};
use input::Input;
use results::Results;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Each thread has some megabytes of buffers, so far more than processors only cost memory.
const THREADS_MAX: usize = 1024;

/// Runs the command.
///
/// # Errors
///
/// As the contract's exit codes say; no output file appears then.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let started = Instant::now();
    let now = clock::now();
    let asked = Asked::of(arguments)?;
    let brakes = Brakes::of(arguments)?;
    let mut options = options(arguments, now)?;
    refuse_clashes(arguments)?;
    let source = files::open_input(arguments.input.as_deref().unwrap_or(Path::new("-")))?;
    let answers = Answers::open(context, arguments, now)?;
    options.links = links::column(context, arguments, &answers, options.class)?;
    brakes.check_canaries(&filter(&answers, &options))?;
    let mut results = Results::open(arguments)?;
    let seekable = columnar::seekable(&source);
    let mut input = Input::open(source, &options.input_name, results::are_measured(arguments))?;
    let format = asked.format(&input, arguments, context.terminal)?;
    refuse_near_misses(arguments, format)?;
    links::refuse(arguments, format)?;
    if let InputFormat::Delimited { dialect, preamble_bytes } = format {
        options.dialect = dialect;
        options.preamble_bytes = preamble_bytes;
    }
    let bar = context.terminal.progress("filter", input.plain_bytes());
    let progress = |bytes| bar.inc(bytes);
    let filter = filter(&answers, &options);
    let ran = filtered(&filter, format, &mut input, seekable, &mut results, &progress);
    bar.finish_and_clear();
    let summary = ran?;
    brakes.check_share(&summary.tally)?;
    let run = Run {
        tally: &summary.tally,
        position: answers.position,
        class: options.class,
        lists: &options.lists,
        policy: answers.policy.to_string(),
        as_of: now,
        started_at: now,
        elapsed: started.elapsed(),
    };
    let finished = results.finish()?;
    let (mut report, mut certificate) = (None, None);
    if results::are_measured(arguments) {
        let files = finished.files(input, arguments)?;
        let signer = answers.signer.as_ref();
        certificate =
            signer.map(|signer| signer.certificate(&run, &options, format, &files)).transpose()?;
        report = Some(Report::new(&run, files.input, files.output, files.suppressed));
    }
    finished.publish(report.as_ref(), certificate.as_deref(), arguments.fsync)?;
    say(context.terminal, &summary, &answers);
    Ok(exit::DONE)
}

fn filter<'a>(answers: &'a Answers, options: &'a Options) -> Filter<'a> {
    let Answers { snapshot, hasher, policy, .. } = answers;
    Filter { snapshot, hasher, policy: *policy, options }
}

/// Filters the input as what it is.
fn filtered(
    filter: &Filter<'_>,
    format: InputFormat,
    input: &mut Input,
    seekable: Option<File>,
    results: &mut Results,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Summary> {
    if format == InputFormat::Parquet {
        return columnar::run(filter, input, seekable, results, progress);
    }
    results.reserve(input.plain_bytes());
    let (kept, withheld, near_misses) = results.with_near_misses();
    let ran = match near_misses {
        _ if format == InputFormat::Ndjson => filter.run_ndjson(input, kept, withheld, progress),
        None => filter.run(input, kept, withheld, progress),
        Some(list) => {
            let misses = NearMisses::new(*filter)?;
            let mut beside = Beside::new(kept, (&misses, list));
            let ran = filter.run(input, &mut beside, withheld, progress)?;
            beside.finish()?;
            Ok(ran)
        }
    };
    ran.map(|(summary, _)| summary)
}

/// Near misses are looked for among delimited rows and in a store's dictionary.
fn refuse_near_misses(arguments: &Arguments, format: InputFormat) -> Result<()> {
    if arguments.near_miss.is_none() {
        return Ok(());
    }
    if !arguments.suppress.is_empty() {
        return Err(Error::usage(
            "--near-miss needs a store: --suppress files hold no order to search in",
        )
        .with_hint("import the files into a store first"));
    }
    if !matches!(format, InputFormat::Delimited { .. }) {
        return Err(Error::usage("--near-miss reads delimited rows only")
            .with_hint("write the addresses as CSV, and filter that with --near-miss"));
    }
    Ok(())
}

fn options(arguments: &Arguments, now: Timestamp) -> Result<Options> {
    let choice = |column: &String| ColumnChoice(column.clone());
    let threads = match arguments.threads {
        Some(threads @ 1..=THREADS_MAX) => threads,
        Some(threads) => {
            return Err(Error::usage(format!("--threads {threads}: give 1 to {THREADS_MAX}")));
        }
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    Ok(Options {
        input_name: name(arguments.input.as_deref()),
        email_columns: arguments.email_columns.iter().map(choice).collect(),
        contact_column: arguments.contact_column.as_ref().map(choice),
        list_column: arguments.list_column.as_ref().map(choice),
        lists: words::lists(&arguments.lists)?,
        class: words::word(&arguments.class)?,
        invalid: match arguments.invalid {
            Invalid::Withhold => OnInvalid::Withhold,
            Invalid::Keep => OnInvalid::Keep,
            Invalid::Fail => OnInvalid::Fail,
        },
        dedupe: arguments.dedupe,
        header: !arguments.no_header,
        limits: Limits::default(),
        threads,
        now,
        ..Options::default()
    })
}

/// A result under the name of another, or of an input, would overwrite it.
fn refuse_clashes(arguments: &Arguments) -> Result<()> {
    let output = arguments.output.as_deref().unwrap_or(Path::new("-"));
    let Arguments { suppressed, near_miss, report, certificate, .. } = arguments;
    let others = [suppressed, near_miss, report, certificate].into_iter().flatten();
    let results: Vec<&Path> = others.map(PathBuf::as_path).collect();
    let suppress: Vec<&Path> = arguments.suppress.iter().map(PathBuf::as_path).collect();
    let inputs: Vec<&Path> = arguments.input.as_deref().into_iter().chain(suppress).collect();
    files::refuse_clashes(&results, &inputs)?;
    // The kept rows may take the place of the recipients, as with `sort -o`: they are read first.
    let results: Vec<&Path> = results.into_iter().chain([output]).collect();
    files::refuse_clashes(&results, &[])
}

fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "-".to_owned(), |path| path.display().to_string())
}

fn say(terminal: Terminal, summary: &Summary, answers: &Answers) {
    if summary.empty_input {
        terminal.warn("the input is empty: no header, no rows");
    }
    let tally = &summary.tally;
    let reasons: Vec<String> = Reason::all()
        .map(|reason| (reason, tally.withheld_for(reason)))
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let reasons =
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let generation = answers
        .position
        .map_or_else(String::new, |(generation, _)| format!(", generation {generation}"));
    terminal.note(&format!(
        "read {}, kept {}, withheld {}{reasons}{generation}",
        tally.read, tally.kept, tally.withheld
    ));
}
