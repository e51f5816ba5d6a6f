//! The threads that sorting and building share.

use crate::error::{Error, Result};
use std::error::Error as _;
use std::sync::OnceLock;

/// Starts the threads that `rayon` shares out work among, if they are not there yet: one a processor, or as
/// many as `RAYON_NUM_THREADS` says.
///
/// To be called before what uses them, which can only panic when they can't be had.
///
/// # Errors
///
/// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the system gives no thread more: a limit of
/// processes, or of memory.
pub fn start_threads() -> Result<()> {
    // What can't be had once is not asked for again: `rayon` remembers that it was.
    static FAULT: OnceLock<Option<String>> = OnceLock::new();
    let fault = FAULT.get_or_init(|| match rayon::ThreadPoolBuilder::new().build_global() {
        // Somebody else has started them.
        Err(error) if error.source().is_none() => None,
        started => started.err().map(|error| error.to_string()),
    });
    match fault {
        None => Ok(()),
        Some(fault) => Err(Error::untrusted(format!("cannot start the threads that share the work: {fault}"))
            .with_hint(
                "raise the limit of processes or of memory (`ulimit -u`, `ulimit -v`), or ask for fewer \
                 threads with RAYON_NUM_THREADS",
            )),
    }
}
