//! Files people have → records and rejects. Knows nothing of how records are stored.
//!
//! [`read`] goes through a file in constant memory and hands over each row as a [`NativeRecord`] with its
//! key, or as a [`Reject`] that says why not. A word it does not know is a reject, never a guess.
//!
//! [`NativeRecord`]: crate::record::NativeRecord

mod columns;
mod native;
mod reader;
mod reject;

pub use reader::{Row, read};
pub use reject::{Reject, RejectCause, Rejects};
