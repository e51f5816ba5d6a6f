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

/// Lets this process have so many files open, if the system does, and gives how many it may.
///
/// Cost: two system calls.
pub(super) fn raise_open_files(wanted: u64) -> u64 {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let now = getrlimit(Resource::Nofile);
        let (Some(current), most) = (now.current, now.maximum) else { return u64::MAX };
        let more = most.map_or(wanted, |most| wanted.min(most));
        let raised = Rlimit { current: Some(more), maximum: most };
        if more > current && setrlimit(Resource::Nofile, raised).is_ok() { more } else { current }
    }
    #[cfg(not(target_os = "linux"))]
    wanted
}
