//! A store's directory: the ledger, the index, the settings and the secret, opened as one.
//!
//! ```text
//! quell-store/
//! ├── quell.toml    format, policy, the ledger's id
//! ├── secret.key    the key of the index's hashes, readable by its owner only
//! ├── signing.key   what certificates are signed with, readable by its owner only
//! ├── link.keys     what links in mails are sealed with, readable by its owner only; made with the first link
//! ├── ledger.db     the truth
//! └── index/        the answer machine: disposable, `quell compile --full` makes it again
//! ```
//!
//! Whatever does not fit together is an error with its cure, never an answer.

mod compile;
mod create;
mod erase;
mod link;
mod live;
mod marks;
mod open;
mod outside;
mod probe;
mod reader;
mod settings;
mod signing;
mod status;
mod verify;

pub use compile::{Changed, IndexState};
pub use erase::ErasedHere;
pub use link::{LinkKey, LinkKeyId, LinkKeys, LinkKeysMark};
pub use live::{Answers, Live, Refreshed};
pub use open::{IndexAlone, Store};
pub use outside::{outside, outside_at, outside_in_index};
pub use probe::DigestProbe;
pub use reader::Reader;
pub use status::Status;
pub use verify::Verified;

use crate::{index, ledger};

/// A ledger's position as the index keeps it.
fn at(position: ledger::Position) -> index::Position {
    index::Position {
        generation: position.generation,
        cursor: position.cursor.as_u64(),
        mark: position.mark,
    }
}

/// The ledger's file in a store.
const LEDGER: &str = "ledger.db";
/// The index's directory in a store.
const INDEX: &str = "index";
/// The settings' file in a store.
const SETTINGS: &str = "quell.toml";
/// The secret's file in a store.
const SECRET: &str = "secret.key";
/// The signing key's file in a store.
const SIGNING: &str = "signing.key";
/// The link keys' file in a store.
const LINK_KEYS: &str = "link.keys";
