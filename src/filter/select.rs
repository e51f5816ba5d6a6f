//! Verdicts → the kept bytes, the withheld rows and the counts.

use super::judge::Judged;
use crate::delimited::{ChunkBuffer, Dialect};
use crate::record::Reason;

/// How many rows were read, kept and withheld, and for which first reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows read: always kept + withheld.
    pub read: u64,
    /// Rows kept.
    pub kept: u64,
    /// Rows withheld.
    pub withheld: u64,
    by_reason: [u64; crate::record::reason::TABLE.len()],
}

impl Tally {
    /// How many rows were withheld with `reason` as their first.
    #[must_use]
    pub fn withheld_for(&self, reason: Reason) -> u64 {
        self.by_reason[reason as usize]
    }

    /// The counts of a part of which `kept` rows were kept, and so many withheld for each first reason.
    pub(super) fn of(kept: u64, withheld: &[(Reason, u64)]) -> Self {
        let mut tally = Self { kept, ..Self::default() };
        for &(reason, count) in withheld {
            tally.by_reason[reason as usize] += count;
            tally.withheld += count;
        }
        tally.read = tally.kept + tally.withheld;
        tally
    }

    /// Adds the counts of another part of the run.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.kept += other.kept;
        self.withheld += other.withheld;
        for (sum, more) in self.by_reason.iter_mut().zip(other.by_reason) {
            *sum += more;
        }
    }
}

/// How the rows of an input are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Cells with a delimiter between them.
    Delimited(Dialect),
    /// A JSON object each.
    Objects,
}

/// Moves the kept bytes of `chunk` to its front, in place, and returns how many there are; appends the
/// withheld rows, each with its reasons, to `withheld` if they are wanted.
///
/// Everything that is no withheld row is kept: the header, blank lines, a byte-order mark.
pub(super) fn select(
    chunk: &mut ChunkBuffer,
    judged: &Judged,
    shape: Shape,
    mut withheld: Option<&mut Vec<u8>>,
    tally: &mut Tally,
) -> usize {
    let bytes = chunk.bytes_mut();
    let (mut written, mut run_start) = (0, 0);
    let mut opted_out = judged.opted_out.as_slice();
    let mut withheld_rows = 0;
    for (at, row) in judged.rows.iter().enumerate() {
        let Some(first) = row.reasons.first() else { continue };
        tally.by_reason[first as usize] += 1;
        withheld_rows += 1;
        if let Some(out) = withheld.as_deref_mut() {
            let lists = opted_out.partition_point(|(row, _)| *row <= at);
            let (of_row, rest) = opted_out.split_at(lists);
            opted_out = rest;
            let all = reasons_text(row.reasons.iter(), of_row);
            shape.write_withheld(&bytes[row.content()], first.as_str(), &all, out);
            out.extend_from_slice(&bytes[row.line_end()]);
        }
        let start = row.content().start;
        bytes.copy_within(run_start..start, written);
        written += start - run_start;
        run_start = row.line_end().end;
    }
    let end = bytes.len();
    bytes.copy_within(run_start..end, written);
    let read = judged.rows.len() as u64;
    tally.read += read;
    tally.withheld += withheld_rows;
    tally.kept += read - withheld_rows;
    written + end - run_start
}

/// The names of a row's reasons as the second field has them, `;`-joined, list opt-outs with their lists.
pub(super) fn reasons_text(
    reasons: impl Iterator<Item = Reason>,
    opted_out: &[(usize, String)],
) -> String {
    let mut all = Vec::with_capacity(reasons.size_hint().0);
    for reason in reasons {
        if reason == Reason::OptedOut && !opted_out.is_empty() {
            all.extend(opted_out.iter().map(|(_, list)| format!("{reason}:{list}")));
        } else {
            all.push(reason.as_str().to_owned());
        }
    }
    all.join(";")
}

impl Shape {
    /// Appends a kept row without its line end, and its link; an empty link is none.
    pub(super) fn write_with_link(self, row: &[u8], name: &str, link: &str, out: &mut Vec<u8>) {
        match self {
            Self::Delimited(dialect) => {
                out.extend_from_slice(row);
                out.push(dialect.delimiter());
                dialect.write_cell(link.as_bytes(), out);
            }
            Self::Objects => {
                let link = Some(link).filter(|link| !link.is_empty());
                let (name, link) = (serde_json::Value::from(name), serde_json::Value::from(link));
                write_members(row, &format!("{name}:{link}"), out);
            }
        }
    }

    /// Appends a withheld row without its line end, and its two fields.
    fn write_withheld(self, row: &[u8], first: &str, all: &str, out: &mut Vec<u8>) {
        match self {
            Self::Delimited(dialect) => {
                out.extend_from_slice(row);
                out.push(dialect.delimiter());
                dialect.write_cell(first.as_bytes(), out);
                out.push(dialect.delimiter());
                dialect.write_cell(all.as_bytes(), out);
            }
            Self::Objects => {
                let (first, all) = (serde_json::Value::from(first), serde_json::Value::from(all));
                let more = format!("\"quell_reason\":{first},\"quell_reasons\":{all}");
                write_members(row, &more, out);
            }
        }
    }
}

/// Appends an object with more members at its end.
fn write_members(object: &[u8], more: &str, out: &mut Vec<u8>) {
    // A row is an object, so its last brace closes it.
    let close = memchr::memrchr(b'}', object).unwrap_or(object.len());
    let (members, rest) = object.split_at(close);
    out.extend_from_slice(members);
    if !members.trim_ascii_end().ends_with(b"{") {
        out.push(b',');
    }
    out.extend_from_slice(more.as_bytes());
    out.extend_from_slice(rest);
}
