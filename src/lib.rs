//! quell: the last gate before an e-mail campaign leaves.
//!
//! The modules stand in layer order; a layer uses those above it in this list and none below it
//! (`tests/tidy.rs` holds that). ARCHITECTURE.md tells how they fit together.

pub mod error;

pub mod address;
pub mod record;

pub mod storage;

pub mod segment;

pub mod index;

pub mod ledger;

pub mod delimited;

pub mod source;

pub mod import;

pub mod catch_up;

pub mod certificate;

pub mod filter;

pub mod store;

pub mod action;

pub mod service;

pub mod cli;

pub use error::{Error, ErrorKind, Result};
