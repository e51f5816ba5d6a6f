//! An address erased from everything a store holds: ledger, index, log, and what is left of deleted rows.

use super::open::Store;
use crate::address::Key;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::ledger::{EraseRequest, Erased, Ledger};
use crate::record::Timestamp;
use crate::storage::Access;
use memchr::memmem::Finder;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 20;
/// Shorter local parts are words of every text: alone they are no trace of anybody.
const LOCAL_BYTES_MIN: usize = 5;

/// What an erasure did to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedHere {
    /// What it did in the ledger.
    pub erased: Erased,
    /// Whether the ledger's file was written anew, because traces of deleted rows were in it.
    pub rewritten: bool,
    /// Files that hold the address all the same: somebody else's record, evidence or file name does.
    pub remaining: Vec<PathBuf>,
}

impl Store {
    /// Erases an address: when this returns, no file of the store holds it, but in other people's texts, and
    /// those files are named.
    ///
    /// An address that was erased before stays so. What a crash kept from being done is done then, so that doing
    /// it again is the cure.
    ///
    /// Cost: a rebuild of the index and a pass over all files; when traces of deleted rows are found, as earlier
    /// builds left them, writing the ledger's file anew.
    ///
    /// # Errors
    ///
    /// As [`Ledger::erase`], before anything is changed. Untrusted when the address is erased in the ledger, and
    /// withheld, but its traces could not be removed.
    pub fn erase(
        &self,
        key: Key<'_>,
        address: &str,
        request: &EraseRequest,
        now: Timestamp,
    ) -> Result<ErasedHere> {
        let erased = self.ledger_to_change()?.erase(key.as_bytes(), address, request, now)?;
        let (rewritten, remaining) = self.remove_traces(key, &erased, now).map_err(|error| {
            let message = format!(
                "the address is erased from the records and stays suppressed, but traces of it are left: {error}"
            );
            Error::untrusted(message).with_source(error).with_hint("erase it again")
        })?;
        Ok(ErasedHere { erased, rewritten, remaining })
    }

    fn remove_traces(
        &self,
        key: Key<'_>,
        erased: &Erased,
        now: Timestamp,
    ) -> Result<(bool, Vec<PathBuf>)> {
        // The feed says "everything": this makes the index anew, without its text.
        self.catch_up(now)?;
        Index::open(self.directory()?, self.identity.clone(), Access::Map)?.sweep()?;
        self.ledger.empty_log()?;
        let traces = Traces::of(key.as_str(), &erased.spellings);
        let found = self.files_with(&|text| traces.is_in(text), traces.longest)?;
        if found.is_empty() {
            return Ok((false, found));
        }
        // SQLite overwrites what it deletes, but not the copies that moving a row from page to page leaves behind.
        self.ledger.rewrite()?;
        let remaining = self.files_with(&|text| traces.is_whole_in(text), traces.longest)?;
        Ok((true, remaining))
    }

    /// The store's files in which `is_in` finds something; it is given lower-cased bytes that overlap by `longest`.
    fn files_with(&self, is_in: &dyn Fn(&[u8]) -> bool, longest: usize) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut waiting = vec![self.path.clone()];
        while let Some(directory) = waiting.pop() {
            let failed = |error| Error::reading(&directory, error);
            for entry in fs::read_dir(&directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_dir() {
                    waiting.push(entry.path());
                } else if kind.is_file() && holds(&entry.path(), is_in, longest)? {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Says whether `is_in` finds something in a file. One that is gone by now holds nothing.
fn holds(path: &Path, is_in: &dyn Fn(&[u8]) -> bool, longest: usize) -> Result<bool> {
    let failed = |error| Error::reading(path, error);
    let mut file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(failed)?,
    };
    let mut block = vec![0; BLOCK_BYTES + longest];
    let mut kept = 0;
    loop {
        let read = file.read(&mut block[kept..]).map_err(failed)?;
        let filled = kept + read;
        block[kept..filled].make_ascii_lowercase();
        if is_in(&block[..filled]) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        // What may be the beginning of something is seen again with what follows it.
        let from = filled.saturating_sub(longest);
        block.copy_within(from..filled, 0);
        kept = filled - from;
    }
}

/// How an address shows in bytes.
struct Traces<'k> {
    /// The address in its spellings, in lower case.
    whole: Vec<Finder<'static>>,
    /// Its local part without the first byte, when it is long enough to be a trace, and its domain.
    local: Option<(Finder<'k>, &'k [u8])>,
    /// The longest of them.
    longest: usize,
}

impl<'k> Traces<'k> {
    fn of(key: &'k str, spellings: &[String]) -> Self {
        let mut whole: Vec<Vec<u8>> =
            spellings.iter().map(|spelling| spelling.to_ascii_lowercase().into_bytes()).collect();
        whole.push(key.to_ascii_lowercase().into_bytes());
        let longest = whole.iter().map(Vec::len).max().unwrap_or_default();
        let local = key.rsplit_once('@').filter(|(local, _)| local.len() >= LOCAL_BYTES_MIN);
        Self {
            whole: whole.iter().map(|text| Finder::new(text).into_owned()).collect(),
            local: local.and_then(|(local, domain)| {
                Some((Finder::new(local.as_bytes().get(1..)?), domain.as_bytes()))
            }),
            longest: longest + 2,
        }
    }

    fn is_whole_in(&self, text: &[u8]) -> bool {
        self.whole.iter().any(|finder| finder.find(text).is_some())
    }

    /// Says whether the text holds the address, or what is left of it where something was written over its end or,
    /// as SQLite does with what it frees, over its first byte. Text of other columns stands right before it.
    ///
    /// Somebody whose address ends as this one is taken for a trace, too: that costs time, and harms nobody.
    fn is_in(&self, text: &[u8]) -> bool {
        let Some((local, domain)) = &self.local else { return self.is_whole_in(text) };
        let is_rest = |at: usize| {
            let goes_on =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(byte);
            let behind = &text[at + local.needle().len()..];
            let cut = match behind.split_first() {
                Some((b'@', behind)) => {
                    let same = behind.iter().zip(*domain).take_while(|(a, b)| a == b).count();
                    &behind[same..]
                }
                _ => behind,
            };
            // The address of somebody else goes on; one that was cut off does not.
            !cut.first().is_some_and(goes_on)
        };
        self.is_whole_in(text) || local.find_iter(text).any(is_rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_the_address_or_what_was_left_of_it() {
        let traces = Traces::of("ann.smith@example.com", &["ann.smith@EXAMPLE.com".to_owned()]);
        for (text, want) in [
            ("\u{1}ann.smith@example.com", true),
            ("xann.smith@example.com", true),
            ("\u{1}ann.smith@exam\u{2}", true),
            ("\u{1}ann.smith@\u{2}", true),
            ("\u{1}ann.smith\u{2}", true),
            ("\u{1}nn.smith@exam\u{2}", true),
            ("nn.smith", true),
            ("\u{1}newsann.smith@exam\u{2}", true),
            ("\u{1}ann.smith@example.org", false),
            ("\u{1}ann.smithson@example.org", false),
            ("\u{1}joann.smith@example.org", false),
            ("\u{1}ann.smit", false),
            ("", false),
        ] {
            assert_eq!(traces.is_in(text.as_bytes()), want, "{text:?}");
        }
        let short = Traces::of("ann@example.com", &[]);
        assert!(short.is_in(b"\x01ann@example.com"));
        assert!(!short.is_in(b"\x01ann\x02"));
    }

    #[test]
    fn a_trace_is_found_wherever_blocks_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let traces = Traces::of("ann.smith@example.com", &[]);
        for at in [0, 1, BLOCK_BYTES - 30, BLOCK_BYTES - 10, BLOCK_BYTES, BLOCK_BYTES + 15] {
            let mut text = vec![b' '; at];
            text.extend_from_slice(b"Ann.Smith@example.com");
            fs::write(file.path(), &text).unwrap();
            let is_in = |text: &[u8]| traces.is_whole_in(text);
            assert!(holds(file.path(), &is_in, traces.longest).unwrap(), "{at}");
            text.truncate(at + 20);
            fs::write(file.path(), &text).unwrap();
            assert!(!holds(file.path(), &is_in, traces.longest).unwrap(), "{at}");
        }
    }
}
