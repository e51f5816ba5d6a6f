//! Files of records: what they seem to be, what they would come to, and applying them whole or not at all.
//!
//! [`with_package`] opens a file, [`candidates`] says what it may be, [`foresee`](foresee::foresee) what it
//! would come to, and [`gather`] followed by [`Gathered::apply`] applies it.

pub mod choose;
pub mod foresee;
pub mod package;

pub use choose::{Choice, candidates, decide, named};
pub use foresee::{Foreseen, Layout, Text, foresee};
pub use package::{Looked, Package, with_package};

use crate::address::Policy;
use crate::error::{Error, Result};
use crate::import::detect::{Candidate, Form};
use crate::import::vendor::{self, VendorFile};
use crate::import::{Gather, Keyed, NativeFile, Reject, Taken, read};
use crate::ledger::{ImportCounts, ImportSession, ImportSource, Ledger, StagedRows};
use crate::record::{NativeRow, Timestamp};
use crate::store::Store;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};

/// What files can't say themselves: the list, how addresses become keys, and what is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The list that the rows are for, of a vendor's file that does not name it.
    pub list: Option<&'a str>,
    /// How addresses become keys.
    pub policy: Policy,
    /// Whether a domain rule may be for a public suffix.
    pub allow_public_suffix: bool,
}

/// Who takes the rows that can't be understood.
pub type TakeReject<'r> = &'r mut (dyn FnMut(&Looked, &Reject<'_>) -> Result<()> + Send);

/// A file, read and not applied yet.
pub struct Gathered<'s> {
    session: Box<dyn ImportSession + 's>,
    /// Rows read.
    pub read: u64,
    /// Rows that can't be understood.
    pub rejected: u64,
    /// Where and why the first of them is.
    pub first_reject: String,
}

/// Reads the texts of a package into an import of `store`, as what `candidate` says they are. Nothing is applied.
/// `progress` is told of bytes that were read.
///
/// Cost: memory as [`ImportSession::push`] says.
///
/// # Errors
///
/// Input for a file that can't be read; untrusted for a store that can't be changed now; what `reject` says.
pub fn gather<'s>(
    store: &'s Store,
    package: &mut Package<'_>,
    candidate: Candidate,
    said: Said<'_>,
    now: Timestamp,
    reject: TakeReject<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Gathered<'s>> {
    let form = candidate.form;
    let source = ImportSource { name: package.name.clone(), format: form.name().to_owned() };
    let mut session = store.ledger_to_change()?.import_session(form.kind(), source, now)?;
    let (mut read, mut rejected, mut first_reject) = (0, 0, None);
    let next = AtomicU32::new(0);
    package.read(&mut |looked, input| {
        let gather = || Staging::new(&next);
        let take = |taken: Taken<'_, Staging<'_>>| match taken {
            Taken::Records(staged) => session.take(&staged.rows),
            Taken::Reject(row) => {
                rejected += 1;
                first_reject.get_or_insert_with(|| told(looked, &row));
                reject(looked, &row)
            }
        };
        read += read_form(form, looked, input, said, gather, take, progress)?;
        Ok(())
    })?;
    let first_reject = first_reject.unwrap_or_default();
    Ok(Gathered { session, read, rejected, first_reject })
}

impl Gathered<'_> {
    /// Applies the file whole; it is durable when this returns. `digest` is the file's SHA-256 in hex.
    ///
    /// # Errors
    ///
    /// Input when more rows than `allowed` can't be understood: nothing is applied then. As the ledger says otherwise.
    pub fn apply(self, name: &str, allowed: u64, digest: &str) -> Result<ImportCounts> {
        let Self { session, read, rejected, first_reject } = self;
        if rejected > allowed {
            session.abandon();
            return Err(too_many_rejects(name, (rejected, read, allowed), &first_reject));
        }
        session.apply(read, rejected, digest)
    }
}

/// Reads one text as what it is; gives the number of its rows.
///
/// # Errors
///
/// Input for a text that can't be read; usage for a native one with a list; what `take` says.
pub fn read_form<G: Gather>(
    form: Form,
    looked: &Looked,
    input: &mut (dyn Read + Send),
    said: Said<'_>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let name = looked.name.as_str();
    let Said { list, policy, allow_public_suffix } = said;
    match form {
        Form::Native(_) if list.is_some() => {
            Err(Error::usage("a native file names its lists itself").with_hint("leave --list out"))
        }
        Form::Native(kind) => {
            let file = NativeFile { input, name, kind, policy, allow_public_suffix };
            read(file, gather, take, progress)
        }
        Form::Vendor(format) => {
            let seen = &looked.seen;
            let file = VendorFile { input, name, seen, format, list, policy };
            vendor::read(file, gather, take, progress)
        }
    }
}

/// Where and why a row can't be understood.
#[must_use]
pub fn told(looked: &Looked, reject: &Reject<'_>) -> String {
    let member = looked.member.as_ref().map(|member| format!("`{member}` ")).unwrap_or_default();
    format!("{member}line {}: {}", reject.line, reject.cause)
}

/// The error of a file with so many rejects, of so many rows, where so many are allowed.
fn too_many_rejects(name: &str, counts: (u64, u64, u64), first: &str) -> Error {
    let (rejected, read, allowed) = counts;
    let message = format!(
        "`{name}`: {rejected} of {read} rows can't be understood, {allowed} allowed; the first is \
         {first}; nothing of the file was applied"
    );
    Error::input(message).with_hint(
        "list them with --rejects PATH; mend them, or accept their loss with --allow-rejects N",
    )
}

/// Rows on their way from the file to the ledger.
pub struct Staging<'n> {
    /// The rows.
    pub rows: StagedRows,
    /// The number of the next row of several records.
    next: &'n AtomicU32,
}

impl<'n> Staging<'n> {
    /// No rows yet; rows of several records are numbered by `next`, across threads and files.
    #[must_use]
    pub fn new(next: &'n AtomicU32) -> Self {
        Self { rows: StagedRows::default(), next }
    }
}

impl Gather for Staging<'_> {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.rows.push(key, row)
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        if rows.is_empty() {
            self.rows.pass_over();
            return Ok(());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number == u32::MAX {
            return Err(Error::input("more than 4,294,967,295 rows of several records"));
        }
        self.rows.push_several(number, rows.iter().map(|(key, row)| (&**key, row)))
    }
}
