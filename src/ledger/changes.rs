//! The change feed: which keys of the index a change touched.

use super::erase::Pseudonym;
use crate::record::DigestValue;

/// One key of the index whose state may have changed. What the state is now, the view says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change<'a> {
    /// The entry of an address key.
    Address(&'a [u8]),
    /// The entry of a contact id.
    Contact(&'a str),
    /// The entry of an address key on one list.
    ListAddress {
        /// The list.
        list: &'a str,
        /// The address key.
        key: &'a [u8],
    },
    /// The entry of a domain's rules.
    Domain(&'a [u8]),
    /// The entry of a digest, or of a digest on one list.
    Digest {
        /// The digest.
        digest: DigestValue,
        /// The list, or `None` for the digest itself.
        list: Option<&'a str>,
    },
    /// The entry that an erasure left, of an address or a contact. When nothing is erased under it any more, the
    /// feed names the entry by its key as well.
    Hashed(Pseudonym),
}

/// How a reader of the feed gets up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// So many keys were handed out, each once: look each one up.
    Keys(u64),
    /// The feed names no keys: read the whole ledger. So after a huge import, or when the cursor lies
    /// beyond the end of the feed because the ledger was restored from a backup.
    Everything,
}
