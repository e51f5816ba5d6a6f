//! The chain of events: each one's link is made of the link before it and of the event, so nobody changes,
//! removes or adds one in the middle without changing every link after it.
//!
//! ```text
//! content = SHA-256(salt ‖ key length ‖ key ‖ detail)
//! link    = SHA-256(link before ‖ id ‖ at ‖ generation ‖ kind length ‖ kind ‖ content)
//! ```
//!
//! Numbers are eight bytes, little-endian. The link before the first event is the SHA-256 of the ledger's id.
//! The salt is random, so that a content whose event was erased confirms no guess about it.
//!
//! Whoever can write the whole file can make the whole chain anew. So a chain proves something to those who
//! kept a [`ChainHead`] of it elsewhere: a scrub certificate, a report, a line in a log.

use sha2::{Digest, Sha256};
use std::fmt;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// The end of a chain: what stands for every event up to it.
///
/// ```
/// use quell::ledger::chain::{ChainHead, Sealed};
///
/// let start = ChainHead::start("0123456789abcdef0123456789abcdef");
/// let event = Sealed { at: 1, generation: 1, kind: "unsubscribed", content: [7; 32] };
/// let head = start.then(&event);
/// assert_eq!(head.events, 1);
/// assert_ne!(head, start.then(&Sealed { at: 2, ..event }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// How many events there are: the number of the last one.
    pub events: u64,
    /// The last one's link.
    pub link: [u8; 32],
}

/// What the chain holds of an event.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'e> {
    /// When it was, in microseconds since 1970.
    pub at: i64,
    /// The generation that holds it.
    pub generation: u64,
    /// The word for what it is.
    pub kind: &'e str,
    /// The digest of its content.
    pub content: [u8; 32],
}

impl ChainHead {
    /// The head of a chain without events, of the ledger with this id.
    #[must_use]
    pub fn start(ledger_id: &str) -> Self {
        Self { events: 0, link: Sha256::digest(ledger_id.as_bytes()).into() }
    }

    /// The head after one more event.
    #[must_use]
    pub fn then(&self, event: &Sealed<'_>) -> Self {
        let events = self.events + 1;
        let link = Sha256::new()
            .chain_update(self.link)
            .chain_update(events.to_le_bytes())
            .chain_update(event.at.to_le_bytes())
            .chain_update(event.generation.to_le_bytes())
            .chain_update((event.kind.len() as u64).to_le_bytes())
            .chain_update(event.kind)
            .chain_update(event.content);
        Self { events, link: link.finalize().into() }
    }

    /// The link in hex.
    #[must_use]
    pub fn link_hex(&self) -> String {
        hex(&self.link)
    }
}

/// A link or a content in hex.
#[must_use]
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {}", self.events, self.link_hex())
    }
}

/// The digest of an event's content.
#[must_use]
pub fn content(salt: &[u8], key: &[u8], detail: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(salt)
        .chain_update((key.len() as u64).to_le_bytes())
        .chain_update(key)
        .chain_update(detail)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Sealed<'_> = Sealed { at: 5, generation: 2, kind: "changed", content: [1; 32] };

    #[test]
    fn every_part_of_an_event_is_in_its_link() {
        let start = ChainHead::start("a ledger");
        let head = start.then(&EVENT);
        let others = [
            start.then(&Sealed { at: 6, ..EVENT }),
            start.then(&Sealed { generation: 3, ..EVENT }),
            start.then(&Sealed { kind: "change", ..EVENT }),
            start.then(&Sealed { content: [2; 32], ..EVENT }),
            start.then(&EVENT).then(&EVENT),
            ChainHead::start("another ledger").then(&EVENT),
            ChainHead { events: 7, ..start }.then(&EVENT),
        ];
        for other in others {
            assert_ne!(other.link, head.link);
        }
    }

    #[test]
    fn every_part_of_a_content_is_in_its_digest() {
        let of = content(&[1; SALT_BYTES], b"key", "detail");
        assert_ne!(of, content(&[2; SALT_BYTES], b"key", "detail"));
        assert_ne!(of, content(&[1; SALT_BYTES], b"keyd", "etail"), "parts can't be moved");
        assert_ne!(of, content(&[1; SALT_BYTES], b"key", "details"));
    }

    /// Pinned: links of existing ledgers must go on being these.
    #[test]
    fn the_chain_is_what_it_always_was() {
        let event = Sealed { content: content(b"salt", b"ann@example.com", "{}"), ..EVENT };
        let head = ChainHead::start("0123456789abcdef0123456789abcdef").then(&event);
        assert_eq!(
            head.link_hex(),
            "1edc2127609ec9c6d2e20ef74cb819ed28e26d23b30b95b0f660a0e403a42596"
        );
    }
}
