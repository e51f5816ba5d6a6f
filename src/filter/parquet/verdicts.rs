//! A row group's address, contact and list columns → the reasons that withhold each of its rows.

use super::super::judge::{ChunkFault, Judge, Judged, RowCells};
use super::super::select::reasons_text;
use super::cells::Column;
use super::columns::Leaves;
use super::source::Source;
use crate::delimited::Record;
use crate::error::{Error, Result};
use crate::record::{Reason, ReasonSet};
use crate::storage::{Work, for_this_processor};
use ::parquet::data_type::ByteArray;

/// How many rows are judged at a time.
const BATCH_ROWS: usize = 8192;

/// Readable bytes behind the cells, so that the last one takes the shortest way as well.
const ROOM: [u8; 64] = [0; 64];

/// What becomes of the rows of a group.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    /// Whether each row is kept.
    pub kept: Vec<bool>,
    /// How many rows have each first reason.
    pub by_reason: Vec<(Reason, u64)>,
    /// The first reason and all of them for each withheld row, if they are wanted.
    pub reasons: Vec<(ByteArray, ByteArray)>,
}

impl Verdicts {
    /// How many rows are kept.
    pub fn kept_rows(&self) -> usize {
        self.kept.iter().filter(|kept| **kept).count()
    }

    /// Takes the verdicts of the next rows.
    fn take(&mut self, judged: &Judged, wants_reasons: bool) {
        // Most withheld rows are withheld for the same.
        let mut last: Option<(ReasonSet, (ByteArray, ByteArray))> = None;
        let mut opted_out = judged.opted_out.as_slice();
        for (at, row) in judged.rows.iter().enumerate() {
            let first = row.reasons.first();
            self.kept.push(first.is_none());
            let Some(first) = first else { continue };
            match self.by_reason.iter_mut().find(|(reason, _)| *reason == first) {
                Some((_, count)) => *count += 1,
                None => self.by_reason.push((first, 1)),
            }
            if !wants_reasons {
                continue;
            }
            let lists = opted_out.partition_point(|(row, _)| *row <= at);
            let (of_row, rest) = opted_out.split_at(lists);
            opted_out = rest;
            let texts = match &last {
                Some((reasons, texts)) if of_row.is_empty() && *reasons == row.reasons => {
                    texts.clone()
                }
                _ => {
                    let all = reasons_text(row.reasons.iter(), of_row);
                    let texts = (ByteArray::from(first.as_str()), ByteArray::from(all.as_str()));
                    last = of_row.is_empty().then(|| (row.reasons, texts.clone()));
                    texts
                }
            };
            self.reasons.push(texts);
        }
    }
}

/// Judges all rows of a group, `before` of the file's standing before them. `mark` is called after each
/// batch, in order.
///
/// # Errors
///
/// When a column can't be read or has not as many rows as its group, and as the judge's faults say.
pub(super) fn judge_group(
    source: &Source,
    group: usize,
    before: u64,
    judge: &Judge<'_>,
    leaves: &Leaves,
    mut mark: impl FnMut(&mut Judged),
) -> Result<Verdicts> {
    let rows = source.rows(group);
    let column = |leaf: usize| Column::open(source, group, leaf);
    let mut emails = leaves.emails.iter().map(|leaf| column(*leaf)).collect::<Result<Vec<_>>>()?;
    let mut contact = leaves.contact.map(column).transpose()?;
    let mut list = leaves.list.map(column).transpose()?;
    let mut verdicts = Verdicts::default();
    let (mut judged, mut text, mut cells) = (Judged::new(), Vec::new(), Vec::new());
    while verdicts.kept.len() < rows {
        let done = verdicts.kept.len();
        let wanted = BATCH_ROWS.min(rows - done);
        judged.clear();
        text.clear();
        for column in emails.iter_mut().chain(&mut contact) {
            column.read(wanted, source, &mut text)?;
        }
        if let Some(list) = &mut list {
            list.read(wanted, source, &mut text)?;
            list.join(&mut text).map_err(|row| {
                let row = before + (done + row) as u64 + 1;
                let message = format!("row {row}: a list in the row's array holds a `;`");
                Error::input(format!("`{}`: {message}", source.name()))
            })?;
        }
        text.extend_from_slice(&ROOM);
        for row in 0..wanted {
            cells.clear();
            for column in &emails {
                cells.extend_from_slice(column.cells(row));
            }
            let first = |column: &Column| column.cells(row).first().copied();
            let row = RowCells {
                emails: &cells,
                contact: contact.as_ref().and_then(first),
                list: list.as_ref().and_then(first),
            };
            let at = judged.rows.len();
            judge
                .add_row(&text, Record { start: at, content_end: at, end: at }, row, &mut judged)
                .map_err(|fault| told(source, before + done as u64, &fault))?;
        }
        for_this_processor(LookingUp { judge, text: &text, judged: &mut judged });
        mark(&mut judged);
        verdicts.take(&judged, judge.names_lists);
    }
    for column in emails.iter_mut().chain(&mut contact).chain(&mut list) {
        column.at_end(source)?;
    }
    Ok(verdicts)
}

struct LookingUp<'a> {
    judge: &'a Judge<'a>,
    text: &'a [u8],
    judged: &'a mut Judged,
}

impl Work for LookingUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.judge.look_up(self.text, self.judged);
    }
}

fn told(source: &Source, before: u64, fault: &ChunkFault) -> Error {
    let name = source.name();
    let row = |at: &usize| before + *at as u64 + 1;
    match fault {
        ChunkFault::Address { at, fault } => {
            let message =
                format!("`{name}`: row {}: the row has no usable address: {fault}", row(at));
            Error::input(message)
                .with_hint("mend the row, or withhold such rows with --invalid withhold")
        }
        ChunkFault::NotUtf8 { at, what } => {
            let row = row(at);
            let message = format!(
                "`{name}`: row {row}: the row's {what} is not UTF-8, so it matches no record"
            );
            Error::input(message).with_hint("write the column as texts")
        }
        // Not reached: these are told of texts, and a row here is none.
        ChunkFault::Text(_) | ChunkFault::Line { .. } => {
            Error::untrusted("a row could not be judged")
        }
    }
}
