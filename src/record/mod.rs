//! The records quell knows, as plain values, and the one truth table that says what each withholds.
//!
//! Nothing here knows how a record is stored, read or asked for. [`reason`] holds contract §2 as a
//! table; [`blocks`] turns records into the sixteen bits the index stores and the bits back into
//! reasons, through that table and nothing else.

mod bits;
pub mod blocks;
pub mod class;
pub mod contact;
pub mod digest;
pub mod digest_value;
pub mod domain_rule;
pub mod native;
pub mod outside;
pub mod permission;
pub mod preference;
pub mod reason;
pub mod state;
pub mod suppression;
pub mod timestamp;
pub mod unsubscribe;

pub use blocks::{Blocks, Expiry};
pub use class::{Class, RecordClass};
pub use contact::{Contact, Flag};
pub use digest::{Algorithm, Digest, DigestBlocks};
pub use digest_value::DigestValue;
pub use domain_rule::{DomainBlocks, DomainRule};
pub use native::{ContactRow, Kind, NativeRecord, NativeRow};
pub use outside::Outside;
pub use permission::{Channel, Lifting, NoOwnAct, Permission};
pub use preference::{Choice, Preference};
pub use reason::{Reason, ReasonSet};
pub use state::{Cause, KeyState, Query, Scope};
pub use suppression::{Suppression, SuppressionReason};
pub use timestamp::Timestamp;
pub use unsubscribe::{Unsubscribe, UnsubscribeState};
