//! Files people have → records and rejects. Knows nothing of how records are stored.
//!
//! [`read`] goes through a file in constant memory, on all cores, and has each row gathered as a
//! [`NativeRow`] with its key, or hands it over as a [`Reject`] that says why not. A word it does not know
//! is a reject, never a guess.
//!
//! [`NativeRow`]: crate::record::NativeRow

mod chunk;
mod columns;
mod describe;
pub mod detect;
mod native;
mod reader;
mod reject;
pub mod vendor;

pub use describe::Described;
pub use reader::{Gather, Keyed, NativeFile, Taken, read};
pub use reject::{Reject, RejectCause, Rejects};
