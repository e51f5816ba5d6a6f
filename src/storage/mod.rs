//! Bytes on disk: a directory of write-once files, a small file replaced atomically, a lock.
//!
//! Knows nothing of mail. [`Disk`] is the real directory; [`Memory`] is its strict twin, which loses
//! on a crash everything that was not synced, and stops at a numbered step when a test says so.
//! `raw` and `allocator` are the only files of the crate with `unsafe` (the memory map, the prefetch, calling code
//! compiled for newer processors; and what happens when no memory is left).

mod allocator;
mod blob;
mod disk;
mod lock;
mod memory;
mod name;
mod raw;
mod resident;
mod threads;

use std::fmt;
use std::io;

pub use allocator::OrExit;
pub use blob::Blob;
pub use disk::Disk;
pub use lock::Lock;
pub use memory::Memory;
pub use raw::{Work, for_this_processor, prefetch};
pub use threads::start_threads;

/// How a file's bytes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Mapped: opens at once, pages come when touched, huge ones where the system has them. For nearly
    /// everything.
    #[default]
    Map,
    /// Read whole into memory: what becomes of the file later does not matter. Costs the memory, and
    /// several times the time of reading the mapping once.
    Resident,
}

/// A directory of write-once files.
///
/// Every method that changes something says what is durable when it returns; the index's commit protocol
/// (docs/format.md) is built on those words and on nothing else. A name is plain: not empty, no path
/// separator, no leading dot, and not `lock`; any other name is [`io::ErrorKind::InvalidInput`].
///
/// Methods may be called from any thread. Errors name the file.
///
/// # Example
///
/// ```
/// use quell::storage::{Access, Directory, Memory};
///
/// let directory = Memory::new();
/// directory.create("a", &[b"one ", b"two"])?;
/// directory.sync()?;
/// assert_eq!(&*directory.open("a", Access::Map)?, b"one two");
/// assert_eq!(directory.list()?, ["a"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Directory: fmt::Debug + Send + Sync {
    /// Writes a new read-only file from `parts`, one after the other. Its contents are synced before it
    /// appears under `name`; the *name* is durable only after [`Directory::sync`].
    ///
    /// Names are made of contents, so a file already there holds the same bytes or a damaged copy of
    /// them; the new file takes its place, and bytes opened before stay readable.
    fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()>;

    /// The bytes of a file, from an address that is a multiple of 64.
    fn open(&self, name: &str, access: Access) -> io::Result<Blob>;

    /// Replaces a small file atomically. When it returns, the new contents are durable under `name`, and
    /// so is every other name created or removed so far. A crash before that leaves the old contents or
    /// the new ones, whole; so may an error.
    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()>;

    /// Makes all names created or removed so far durable.
    fn sync(&self) -> io::Result<()>;

    /// The names of all files, sorted, those a crash left behind half-written included.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Removes a file; durable after [`Directory::sync`]. Bytes already opened stay readable.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Takes the directory's one writer lock, waiting for it; released when dropped, also by a crash.
    /// It keeps writers apart, in this process and others; readers take no lock.
    fn lock(&self) -> io::Result<Lock>;
}

#[cfg(test)]
mod tests;
