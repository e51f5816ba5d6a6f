//! Limits of the system that end a process by a signal: made into errors that are told.

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail instead of killing the process.
///
/// Cost: one system call.
pub(super) fn survive() {
    #[cfg(unix)]
    {
        use signal_hook::consts::signal::SIGXFSZ;
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        // Nobody looks at the flag: once the signal is handled, the write itself fails. Where no handler
        // can be had, the system's way stays.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}
