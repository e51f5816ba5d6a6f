//! A file of records, applied whole or not at all.

use super::StagedRows;
use super::sync::{Removal, SyncFile, SyncRequest, Synced};
use crate::error::Result;
use crate::record::{NativeRecord, Timestamp};

/// Where an import comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSource {
    /// The file's name as the user gave it.
    pub name: String,
    /// `native`, or the vendor's name.
    pub format: String,
}

/// What an import came to: `read = added + unchanged + held + rejected`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportCounts {
    /// Rows read.
    pub read: u64,
    /// Rows that added a record or tightened one.
    pub added: u64,
    /// Rows that said what was known.
    pub unchanged: u64,
    /// Rows that would have lifted a block, and did nothing.
    pub held: u64,
    /// Rows that could not be understood.
    pub rejected: u64,
    /// The generation that holds the import: a new one exactly when `added` is not 0.
    pub generation: u64,
}

/// An import that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Its number, which its records carry.
    pub id: u64,
    /// The kind of its file.
    pub kind: String,
    /// `native`, or the vendor's name.
    pub format: String,
    /// The file's name.
    pub name: String,
    /// The SHA-256 of the file, in hex.
    pub sha256: String,
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub counts: ImportCounts,
}

/// An import being gathered. Nothing of it is visible, or left behind, unless it is applied.
pub trait ImportSession: Send {
    /// Takes a row in. Rows of any kind may be mixed; of two rows that say the same, the first counts.
    /// `key` is that of the row's address; a domain rule and a digest are their own.
    ///
    /// Cost: one copy of the row into a buffer, which is sorted and spooled to a nameless file when it
    /// is full, so memory stays bounded by 64 MiB a kind of record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) for an empty contact id or domain, in a preference an
    /// empty list, and a digest of no known length; [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the spool can't be
    /// written.
    fn push(&mut self, key: &[u8], record: &NativeRecord) -> Result<()>;

    /// Takes rows in that were staged elsewhere, as if each were pushed, in their order.
    ///
    /// Cost: one copy of their bytes, and now and then sorting and spooling a full buffer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the spool can't be written.
    fn take(&mut self, rows: &StagedRows) -> Result<()>;

    /// Applies every row in one transaction; when this returns, it is durable.
    ///
    /// `read` and `rejected` are the file's counts: `read` is `rejected` plus the rows pushed and taken,
    /// where a row of several records is one, and one without a record is one too.
    ///
    /// An import is monotone: it adds blocks and tightens them, and never lifts one. Cost: a sorted
    /// pass over the rows, each an insert in key order. Memory: the sorter's buffers, SQLite's page
    /// cache (64 MiB), and the rows of the one contact that has most of them.
    ///
    /// # Errors
    ///
    /// Any error leaves the ledger as it was.
    fn apply(self: Box<Self>, read: u64, rejected: u64, sha256: &str) -> Result<ImportCounts>;

    /// Applies every row as [`ImportSession::apply`] does, and removes what the source owns and the file does not
    /// name, with the consequences of a resubscribe ([`sync`](super::sync) says what each word means):
    ///
    /// - An unsubscribe's owned records of that list and class go. When no global unsubscribe of the key is left, both
    ///   flags of every contact with the key become *Allow*; when none of a list is left, the key's preference *Out*
    ///   of that list goes. Contacts and preferences of other sources keep theirs.
    /// - Preferences, suppressions, rules, digests: the record goes. A contact goes with what it left behind at other
    ///   addresses. A complaint stays.
    /// - Each key touched gets an event with the permission and everything that went.
    ///
    /// Every row must be of the session's kind and, but for contacts, of the request's source. `each` is told of
    /// every key touched, in the order of the keys, before anything is durable. A brake, a dry run or a missing
    /// permission leaves the ledger as it was; [`Synced`] says what would have been.
    ///
    /// Cost: that of the import of the new rows, and one pass over the records of the kind. Memory: that of an
    /// import, 64 MiB for removals, and the records of the key with most of them.
    ///
    /// # Errors
    ///
    /// Any error leaves the ledger as it was.
    fn sync(
        self: Box<Self>,
        file: &SyncFile,
        request: &SyncRequest,
        each: &mut dyn FnMut(&Removal<'_>) -> Result<()>,
    ) -> Result<Synced>;

    /// Lets go of every row, as dropping the session does.
    fn abandon(self: Box<Self>);
}
