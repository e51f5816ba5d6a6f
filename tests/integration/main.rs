//! What quell promises, seen from outside: every test runs the binary on files in a directory of its own.
//!
//! No test uses the library, but for what a preview foresees, which no command says. The contract is what others
//! script against, so it is what is tested; the oracle (`tests/oracle`) covers the combinations, these modules the
//! sentences.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking, and prints its seed"
)]

mod address;
mod brakes;
mod certificate;
mod compressed;
mod concurrency;
mod damage;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod disk;
mod erase;
mod exit_codes;
mod files;
mod filter;
mod import;
mod inspect;
mod kill;
mod ledger;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod life;
mod lost_opt_outs;
mod ndjson;
mod near_miss;
mod oracle;
mod parquet;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod power_cut;
mod proof;
mod readme;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod resources;
mod resubscribe;
mod rules;
mod sandbox;
mod search_history;
mod service;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod steps;
mod story;
mod sync;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tracer;
mod vendors;
mod verbatim;
