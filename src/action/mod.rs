//! What users do with a store, without words or HTTP: each action gives a value, which the command line prints and
//! the service sends.
//!
//! An action that changes something is given `follow`: what brings up the answers once the change is in the ledger. A
//! command brings up the index on disk, the service the one it answers from.

pub mod batch;
pub mod check;
pub mod describe;
pub mod export;
pub mod foresee;
pub mod history;
pub mod import;
pub mod link;
pub mod records;
pub mod resubscribe;
pub mod unsubscribe;
pub mod words;
