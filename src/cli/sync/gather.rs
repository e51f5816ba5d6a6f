//! A source's file → a session with all its rows, and what shows whether it is whole.

use crate::action::import::{Package, Said, Staging, read_form, told};
use crate::error::{Error, Result};
use crate::import::detect::Form;
use crate::import::{Gather, Keyed, Taken};
use crate::ledger::ImportSession;
use crate::record::{Kind, NativeRow};
use std::io::{self, Read};
use std::sync::atomic::AtomicU32;

/// Bytes of a text's end that are kept, to be compared with a row.
const TAIL_BYTES: usize = 4 << 10;

/// A file, read and not applied yet.
pub(super) struct Gathered<'s> {
    pub(super) session: Box<dyn ImportSession + 's>,
    pub(super) read: u64,
    pub(super) rejected: u64,
    /// It has a header, or anything at all.
    pub(super) has_header: bool,
    /// It ends with a line end.
    pub(super) ended: bool,
    /// What shows that it is cut off.
    pub(super) cut: Option<String>,
    pub(super) first_reject: String,
}

/// Reads the texts of a package into the session, all rows as those of `source`.
pub(super) fn gather<'s>(
    package: &mut Package<'_>,
    form: Form,
    session: Box<dyn ImportSession + 's>,
    said: Said<'_>,
    source: &str,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Gathered<'s>> {
    let mut gathered = Gathered {
        session,
        read: 0,
        rejected: 0,
        has_header: false,
        ended: true,
        cut: None,
        first_reject: String::new(),
    };
    let next = AtomicU32::new(0);
    package.read(&mut |looked, input| {
        if looked.is_empty {
            return Ok(());
        }
        gathered.has_header = true;
        let mut tail = Tail { input, bytes: Vec::new() };
        let mut last_reject = None;
        let gather = || Owned { rows: Staging::new(&next), kind: form.kind(), source };
        let take = |taken: Taken<'_, Owned<'_, '_>>| match taken {
            Taken::Records(owned) => gathered.session.take(&owned.rows.rows),
            Taken::Reject(reject) => {
                gathered.rejected += 1;
                let end = reject.row.len().saturating_sub(TAIL_BYTES);
                let row = reject.row.get(end..).unwrap_or_default().to_vec();
                let words = told(looked, &reject);
                if gathered.rejected == 1 {
                    gathered.first_reject.clone_from(&words);
                }
                last_reject = Some((row, words));
                Ok(())
            }
        };
        gathered.read += read_form(form, looked, &mut tail, said, gather, take, progress)?;
        let ended = looked.seen.is_json() || tail.has_line_end();
        gathered.ended &= ended;
        if let Some((row, words)) = last_reject
            && !ended
            && gathered.rejected == 1
            && tail.ends_with(&row)
        {
            gathered.cut =
                Some(format!("its last row has no line end and can't be understood ({words})"));
        }
        Ok(())
    })?;
    Ok(gathered)
}

/// A text on its way, and the last of it.
struct Tail<'r> {
    input: &'r mut (dyn Read + Send),
    bytes: Vec<u8>,
}

impl Tail<'_> {
    fn has_line_end(&self) -> bool {
        matches!(self.bytes.last(), Some(b'\n' | b'\r'))
    }

    fn ends_with(&self, row: &[u8]) -> bool {
        !row.is_empty() && self.bytes.ends_with(row)
    }
}

impl Read for Tail<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let new = buffer.get(..count).unwrap_or_default();
        let from = new.len().saturating_sub(TAIL_BYTES);
        self.bytes.extend_from_slice(new.get(from..).unwrap_or_default());
        let surplus = self.bytes.len().saturating_sub(TAIL_BYTES);
        self.bytes.drain(..surplus);
        Ok(count)
    }
}

/// Rows of one kind that are all of one source.
struct Owned<'n, 's> {
    rows: Staging<'n>,
    kind: Kind,
    source: &'s str,
}

impl Owned<'_, '_> {
    fn check(&self, kind: Kind) -> Result<()> {
        if kind == self.kind {
            return Ok(());
        }
        let message = format!("the file holds {kind} beside {}", self.kind);
        Err(Error::input(message).with_hint(
            "a sync compares the records of one kind: apply such a file by `quell import`",
        ))
    }
}

impl Gather for Owned<'_, '_> {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.check(row.kind())?;
        self.rows.add(key, &row.of_source(self.source))
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        rows.iter().try_for_each(|(_, row)| self.check(row.kind()))?;
        let mut owned: Vec<Keyed<'_>> = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            owned.push((key.clone(), row.of_source(self.source)));
        }
        self.rows.add_several(&owned)
    }
}
