//! Parquet: the rows of each row group, selected, as a file of the same schema.
//!
//! ```text
//! each thread:  take a row group ─► read the address column, judge ─► copy each column's rows ─► hand it in
//!                 (in order)                                            (into memory)             (in order)
//! ```
//!
//! A value is copied as it is stored, without being understood: the schema stays the file's own, whatever its
//! types mean, and so do its key-value metadata and each column's compression. Only the columns that hold
//! addresses, contacts and lists are looked into. A row group becomes one row group, or none when no row of
//! it is left.
//!
//! Memory: for each thread one row group as it is written, and a few pages of the column being copied.

mod cells;
mod columns;
mod copy;
mod groups;
mod pages;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod verdicts;

use self::columns::Leaves;
use self::groups::Groups;
use self::source::Source;
use self::target::Target;
use super::message::write_error;
use super::run::{Filter, Summary};
use crate::error::{Error, Result};
use ::parquet::errors::ParquetError;
use std::any::Any;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What every Parquet file begins with.
pub const MAGIC: &[u8; 4] = b"PAR1";

/// Copies an input that is no file, such as a pipe, to a nameless temporary file: a Parquet file is read
/// from its end.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) when the input can't be read,
/// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when there is no room for it.
pub fn spool(mut input: impl Read, name: &str) -> Result<File> {
    let failed = |error| write_error("a temporary file", error);
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => file.write_all(&buffer[..count]).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::reading(Path::new(name), error)),
        }
    }
    file.rewind().map_err(failed)?;
    Ok(file)
}

impl Filter<'_> {
    /// [`Filter::run`] for a Parquet file: `email_columns`, `contact_column` and `list_column` name
    /// columns, members of structs with dots between (`contact.email`), or columns by number from 1.
    /// `header`, `dialect` and `limits` mean nothing here.
    ///
    /// An address column holds texts or bytes, or lists of them; every one counts, and null is none.
    /// Withheld rows are a file of the same schema with two columns more, `quell_reason` and `quell_reasons`.
    ///
    /// # Errors
    ///
    /// As [`Filter::run`]; [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that is damaged, cut
    /// off, encrypted, or uses what is not known here.
    pub fn run_parquet<K, W>(
        &self,
        input: File,
        kept: &mut K,
        withheld: Option<&mut W>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Summary>
    where
        K: Write + Send,
        W: Write + Send,
    {
        let options = self.options;
        let name = options.input_name.as_str();
        guarded(name, || {
            let source = Source::open(input, name)?;
            let leaves = Leaves::of(source.schema(), options)?;
            let kept = Target::kept(kept, &source)?;
            let withheld = withheld.map(|out| Target::withheld(out, &source)).transpose()?;
            let tally = Groups::new(self, &source, &leaves, kept, withheld, progress).run()?;
            Ok(Summary { tally, empty_input: false })
        })
    }
}

/// Runs what reads a file that may be damaged.
///
/// The decoder answers most damage with an error, but what it takes for impossible with a panic. There is no
/// state to be left behind by it: whatever it was building is dropped, and the run ends with an error.
fn guarded<T>(name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let _guard = Guard(GUARDED.replace(true));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let cause = cause_of(panic.as_ref());
        Err(damaged(name, &format!("it can't be decoded ({cause})")))
    })
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Gives [`GUARDED`] its value back.
struct Guard(bool);

impl Drop for Guard {
    fn drop(&mut self) {
        GUARDED.set(self.0);
    }
}

/// Says whether a panic of this thread, now, becomes an error of [`Filter::run_parquet`], so that a program
/// has nothing to print for it.
#[must_use]
pub fn panics_are_errors() -> bool {
    GUARDED.get()
}

fn cause_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    text.map_or_else(|| "without a word".to_owned(), first)
}

/// The input can't be read as what it says it is.
fn damaged(name: &str, cause: &str) -> Error {
    Error::input(format!("`{name}`: not a Parquet file that can be read: {cause}"))
        .with_hint("write the file anew; one that is encrypted can be filtered only when decrypted")
}

fn unreadable(name: &str, error: &ParquetError) -> Error {
    damaged(name, &error.to_string())
}

/// A failed write of a result.
fn unwritable(what: &str, error: ParquetError) -> Error {
    if let ParquetError::External(cause) = &error
        && let Some(cause) = cause.downcast_ref::<io::Error>()
    {
        // Only lent to us: an error of ours is told with its own words.
        return match cause.get_ref().and_then(|own| own.downcast_ref::<Error>()) {
            Some(own) => own.again(),
            None => write_error(what, io::Error::new(cause.kind(), cause.to_string())),
        };
    }
    Error::untrusted(format!("cannot write the {what}: {error}")).with_source(error)
}
