//! What a run of the filter did, signed: a statement, its one text, and what of it does not hold.
//!
//! ```text
//! {
//!   "type": "quell-certificate",
//!   …
//!   "public_key": "64 digits",        ◄─ everything up to the end of this line is signed
//!   "signature": "128 digits"         ◄─ Ed25519, over those bytes
//! }
//! ```
//!
//! A statement has exactly one text, so a certificate of which any byte is changed does not hold.
//! docs/certificate.md has the form byte by byte. Nothing here knows files, stores or the clock.

mod hex;
mod key;
mod signed;
mod statement;

pub use key::{PublicKey, SigningKey};
pub use signed::{Certificate, Mismatch, Part};
pub use statement::{Chain, Choices, FileStatement, Statement};
