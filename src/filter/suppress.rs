//! Suppressions from files, for one run and without a store.

use super::columns::Columns;
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{AllCells, ChunkBuffer, Chunks, Dialect, Header, Limits, Splitter};
use crate::error::{Error, Result};
use crate::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use crate::record::{Blocks, DigestValue, Reason, Timestamp};
use crate::segment::{Entry, Hash, Identity};
use crate::source::{Compression, UnpackLimits, unpack};
use crate::storage::{Access, Memory};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Gathers suppressions from files, which may be compressed.
///
/// A file is a CSV with an address column and optionally a column `list`, or one address a line. Without
/// a list the address is suppressed by hand (`manual`: every kind of send); with one it is opted out of
/// that list.
pub struct SuppressFiles {
    hasher: KeyHasher,
    policy: Policy,
    entries: Vec<Entry>,
}

impl SuppressFiles {
    /// Starts with none. `key` is a random key of this run alone.
    #[must_use]
    pub fn new(key: &SecretKey, policy: Policy) -> Self {
        Self { hasher: KeyHasher::new(key), policy, entries: Vec::new() }
    }

    /// Adds the suppressions of one file, and says how many there were: none may be right, and may be a
    /// list that was lost on its way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input), with file and line, for a file that can't be read
    /// or a row that holds no address: skipping it could keep a row that should be withheld.
    pub fn add(&mut self, path: &Path) -> Result<usize> {
        let file = File::open(path).map_err(|error| Error::reading(path, error))?;
        let before = self.entries.len();
        let text = unpack(file, &path.display().to_string(), &UnpackLimits::default())?;
        self.add_text(text, path)?;
        Ok(self.entries.len() - before)
    }

    fn add_text(&mut self, input: impl Read, path: &Path) -> Result<()> {
        let stripped = Compression::stripped(path);
        let extension = stripped.extension().and_then(|extension| extension.to_str());
        let dialect = if extension == Some("tsv") { Dialect::TSV } else { Dialect::CSV };
        let limits = Limits::default();
        let mut chunks = Chunks::new(input, dialect, limits);
        let mut buffer = ChunkBuffer::default();
        let mut layout = None;
        let mut lines = 0;
        while chunks.next_chunk(&mut buffer).map_err(|error| Error::reading(path, error))? {
            let mut from = buffer.from;
            let layout = match &layout {
                Some(layout) => layout,
                None => {
                    let (found, start) = self.layout(&buffer, dialect, limits, path)?;
                    from = start;
                    layout.insert(found)
                }
            };
            self.add_rows(&buffer, from, dialect, layout, path, lines)?;
            lines += memchr::memchr_iter(b'\n', buffer.bytes()).count();
        }
        Ok(())
    }

    /// What the file's columns are, and where its first row begins.
    fn layout(
        &self,
        first: &ChunkBuffer,
        dialect: Dialect,
        limits: Limits,
        path: &Path,
    ) -> Result<(Layout, usize)> {
        let header = Header::read(first.bytes(), first.from, dialect, limits)
            .map_err(|fault| bad_row(path, first.bytes(), fault.at, 0, &fault.kind))?;
        let Some(header) = header else { return Ok((Layout::Lines, first.from)) };
        if let Some(email) = Columns::address_of(&header) {
            let list = header.column("list").ok();
            return Ok((Layout::Columns { email, list }, header.record().end));
        }
        let line = &first.bytes()[header.record().start..header.record().content_end];
        if self.policy.key(line, &mut KeyBuffer::default()).is_ok() {
            return Ok((Layout::Lines, first.from));
        }
        if is_digest(line) {
            let start = header.record().start;
            return Err(bad_row(path, first.bytes(), start, 0, &DIGEST).with_hint(DIGEST_HINT));
        }
        let message =
            format!("`{}` has no address column; its first row is {header}", path.display());
        Err(Error::input(message).with_hint(
            "give it a header with `email` (and optionally `list`), or one address a line",
        ))
    }

    fn add_rows(
        &mut self,
        buffer: &ChunkBuffer,
        from: usize,
        dialect: Dialect,
        layout: &Layout,
        path: &Path,
        lines: usize,
    ) -> Result<()> {
        let bytes = buffer.bytes();
        let mut splitter = Splitter::new(bytes, from, dialect, Limits::default());
        let mut cells = AllCells::default();
        let (mut email_text, mut list_text) = (Vec::new(), Vec::new());
        let mut key = KeyBuffer::default();
        loop {
            let record = splitter
                .next_record(&mut cells)
                .map_err(|fault| bad_row(path, bytes, fault.at, lines, &fault.kind))?;
            let Some(record) = record else { return Ok(()) };
            let cell = |column: usize| cells.as_slice().get(column).copied().unwrap_or_default();
            let (address, list) = match layout {
                Layout::Lines => (&bytes[record.start..record.content_end], &b""[..]),
                Layout::Columns { email, list } => (
                    cell(*email).text(bytes, &mut email_text),
                    list.map_or(&b""[..], |list| cell(list).text(bytes, &mut list_text)),
                ),
            };
            let key = self.policy.key(address, &mut key).map_err(|fault| {
                let bad = |cause| bad_row(path, bytes, record.start, lines, cause);
                if is_digest(address) { bad(&DIGEST).with_hint(DIGEST_HINT) } else { bad(&fault) }
            })?;
            let list = std::str::from_utf8(list)
                .map_err(|_| bad_row(path, bytes, record.start, lines, &"the list is not UTF-8"))?;
            if list.contains(';') {
                let cause = "a `;` parts several lists: write a row for each";
                return Err(bad_row(path, bytes, record.start, lines, &cause));
            }
            self.suppress(key.as_bytes(), list.trim());
        }
    }

    fn suppress(&mut self, key: &[u8], list: &str) {
        let address = self.hasher.address(key);
        if list.is_empty() {
            self.push(address, Blocks::of(Reason::Manual, None));
        } else {
            self.push(address, Blocks::HAS_LISTS);
            let hash = self.hasher.list(list.as_bytes(), key);
            self.push(hash, Blocks::of(Reason::OptedOut, None));
        }
    }

    fn push(&mut self, hash: Hash, blocks: Blocks) {
        self.entries.push(Entry { hash, state: blocks.to_bits() });
    }

    /// The snapshot of all files, and the hasher that asks it.
    ///
    /// # Errors
    ///
    /// Only when memory for the table can't be had.
    pub fn finish(mut self) -> Result<(Snapshot, KeyHasher)> {
        self.entries.sort_unstable_by_key(|entry| entry.hash);
        self.entries.dedup_by(|later, first| {
            let same = later.hash == first.hash;
            if same {
                first.state |= later.state;
            }
            same
        });
        let segment = Identity { key_id: self.hasher.key_id(), policy: self.policy.id() };
        let identity = IndexIdentity { ledger_id: String::new(), segment };
        let batch = Batch { entries: self.entries, ..Batch::default() };
        let (directory, at) = (Arc::new(Memory::new()), Position::default());
        let now = Timestamp::from_micros(0);
        let index = Index::rebuild(directory, identity, Access::Resident, batch, at, now)?;
        Ok((index.snapshot(Overlay::default(), at), self.hasher))
    }
}

enum Layout {
    /// One address a line.
    Lines,
    /// A header tells.
    Columns { email: usize, list: Option<usize> },
}

/// What is said of a row that is an entry of a hashed list.
const DIGEST: &str = "a digest, not an address";
const DIGEST_HINT: &str = "import the list into a store with `quell import digests FILE`";

/// Says whether a text that is no address looks like an entry of a hashed list.
fn is_digest(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| DigestValue::parse(text, None).is_ok())
}

fn bad_row(
    path: &Path,
    text: &[u8],
    at: usize,
    lines: usize,
    cause: &dyn std::fmt::Display,
) -> Error {
    let before = text.get(..at).unwrap_or_default();
    let line = lines + memchr::memchr_iter(b'\n', before).count() + 1;
    Error::input(format!("`{}`: line {line}: {cause}", path.display()))
        .with_hint("mend or remove the row: a suppression that can't be read must not be skipped")
}
