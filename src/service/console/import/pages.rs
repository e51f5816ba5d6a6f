//! The pages of an import.

use super::job::{Applied, Fault, Job, Preview, Status};
use super::said::{Fields, Wanted, value};
use crate::error::Result;
use crate::import::detect::{Candidate, Form};
use crate::ledger::{ImportCounts, ImportRow, Ledger};
use crate::service::State;
use crate::service::access::Caller;
use crate::service::console::layout::{Grouped, Page, Place, When, html, so_many};
use askama::Template;
use axum::response::Response;
use std::fmt;

/// Imports that are shown where one begins.
const RECENT: usize = 12;

#[derive(Template)]
#[template(path = "console/import.html")]
struct Start {
    page: Page,
    fields: Fields,
    most: Size,
    recent: Vec<Recent>,
}

/// An import of before.
struct Recent {
    at: When,
    name: String,
    what: String,
    rows: String,
    generation: Grouped,
}

impl Recent {
    fn of(row: &ImportRow) -> Self {
        let ImportCounts { read, added, unchanged, held, rejected, generation } = row.counts;
        let others =
            [(unchanged, "known already"), (held, "held"), (rejected, "left out")].into_iter();
        let others = others.filter(|(count, _)| *count > 0);
        let mut rows = format!("{} read, {} added", Grouped(read), Grouped(added));
        for (count, words) in others {
            rows.push_str(&format!(", {} {words}", Grouped(count)));
        }
        let what = match row.format.as_str() {
            "native" => row.kind.clone(),
            vendor => format!("{}, {vendor}", row.kind),
        };
        // The command line says where a file lay.
        let name = row.name.rsplit('/').next().unwrap_or_default().to_owned();
        Self { at: When(row.at), name, what, rows, generation: Grouped(generation) }
    }
}

/// Where an import begins.
pub(super) fn start(state: &State, caller: &Caller) -> Result<Response> {
    let answers = state.live().answers()?;
    let imports = answers.store().ledger().view()?.imports()?;
    let recent = imports.into_iter().rev().take(RECENT);
    let recent = recent.map(|row| Recent::of(&row));
    Ok(html(&Start {
        page: Page::new(Place::Import, caller),
        fields: Wanted::default().fields(),
        most: Size(state.settings().import_bytes),
        recent: recent.collect(),
    }))
}

#[derive(Template)]
#[template(path = "console/import_job.html")]
struct Shown<'a> {
    page: Page,
    job: &'a Job,
    size: Size,
    fields: Fields,
    seen: Seen<'a>,
}

/// How far a file came, as the page tells it.
enum Seen<'a> {
    Running { heading: &'static str, done: Size, total: Option<Size>, percent: Option<u64> },
    Ambiguous(Vec<Offer>),
    Foreseen(Foresight<'a>),
    Applied(Outcome),
    Failed(&'a Fault),
}

/// Something that a file may be.
struct Offer {
    value: String,
    what: String,
    why: &'static str,
}

/// What a file would come to.
struct Foresight<'a> {
    preview: &'a Preview,
    what: String,
    why: &'static str,
    read: Grouped,
    records: Grouped,
    rejected: Grouped,
    /// The same with the word.
    rejected_rows: String,
    /// Whether anything would be applied.
    has_rows: bool,
    note: Option<&'static str>,
}

/// What a file came to.
struct Outcome {
    what: String,
    figures: [(&'static str, Grouped); 5],
    generation: Grouped,
    note: Option<&'static str>,
}

/// The page of a file.
pub(super) fn job(job: &Job, caller: &Caller) -> Response {
    let status = job.status();
    let seen = match &status {
        Status::Reading => running(job, "Reading the file"),
        Status::Applying => running(job, "Applying the file"),
        Status::Ambiguous(candidates) => Seen::Ambiguous(candidates.iter().map(offer).collect()),
        Status::Foreseen(preview) => Seen::Foreseen(foresight(preview)),
        Status::Applied(applied) => Seen::Applied(outcome(applied)),
        Status::Failed(fault) => Seen::Failed(fault),
    };
    let page = Page::new(Place::Import, caller);
    html(&Shown { page, job, size: Size(job.bytes), fields: job.wanted().fields(), seen })
}

fn running(job: &Job, heading: &'static str) -> Seen<'static> {
    let (done, total) = job.progress();
    let percent =
        total.map(|total| done.saturating_mul(100) / total.max(1)).map(|all| all.min(100));
    Seen::Running { heading, done: Size(done), total: total.map(Size), percent }
}

fn offer(candidate: &Candidate) -> Offer {
    Offer { value: value(candidate.form), what: what(candidate.form), why: candidate.why }
}

fn foresight(preview: &Preview) -> Foresight<'_> {
    let foreseen = &preview.foreseen;
    Foresight {
        preview,
        what: what(foreseen.candidate.form),
        why: foreseen.candidate.why,
        read: Grouped(foreseen.read),
        records: Grouped(foreseen.records),
        rejected: Grouped(foreseen.rejected),
        rejected_rows: so_many(usize::try_from(foreseen.rejected).unwrap_or(usize::MAX), "row"),
        has_rows: foreseen.read > foreseen.rejected,
        note: note(foreseen.candidate.form),
    }
}

fn outcome(applied: &Applied) -> Outcome {
    let counts = &applied.counts;
    Outcome {
        what: what(applied.form),
        figures: [
            ("Read", Grouped(counts.read)),
            ("Added", Grouped(counts.added)),
            ("Known already", Grouped(counts.unchanged)),
            ("Held", Grouped(counts.held)),
            ("Left out", Grouped(counts.rejected)),
        ],
        generation: Grouped(counts.generation),
        note: note(applied.form),
    }
}

fn note(form: Form) -> Option<&'static str> {
    match form {
        Form::Native(_) => None,
        Form::Vendor(format) => format.note,
    }
}

/// What a file is, in words.
fn what(form: Form) -> String {
    match form {
        Form::Native(kind) => format!("native {kind}"),
        Form::Vendor(format) => format!("{} ({})", format.name, format.what),
    }
}

/// Bytes as people read them: `12.3 MB`.
#[derive(Debug, Clone, Copy)]
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if bytes >= unit {
                // Tenths, without floating point.
                let tenths = u128::from(bytes) * 10 / u128::from(unit);
                return match tenths % 10 {
                    0 => write!(f, "{} {name}", tenths / 10),
                    tenth => write!(f, "{}.{tenth} {name}", tenths / 10),
                };
            }
        }
        write!(f, "{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1 KiB"),
            (1_600, "1.5 KiB"),
            (5 << 20, "5 MiB"),
            (2 << 30, "2 GiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
