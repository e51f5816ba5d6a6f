//! Bytes to key: two addresses are the same person's exactly when their keys are equal.
//!
//! Records and recipients go through the same function, [`Policy::key`]. It knows no file, no clock
//! and no reason to withhold anything. A cell it refuses can't be looked up, and what can't be looked
//! up is not mailed: [`InvalidAddress`] is a value to count, never a reason to stop or to guess.
//!
//! ```
//! use quell::address::{InvalidAddress, KeyBuffer, Policy};
//!
//! let mut buffer = KeyBuffer::new();
//! let key = Policy::EXACT.key(b"\"Smith, Ann\" <Ann.Smith@Example.COM.>", &mut buffer)?;
//! assert_eq!(key.as_str(), "ann.smith@example.com");
//!
//! let two = Policy::EXACT.key(b"ann@example.com; bob@example.com", &mut buffer);
//! assert_eq!(two, Err(InvalidAddress::SeveralAddresses));
//! # Ok::<(), InvalidAddress>(())
//! ```
//!
//! # The rules of the exact policy
//!
//! 1. The bytes must be UTF-8 (RFC 6532 §3.1).
//! 2. White space, U+200B, U+200E, U+200F, U+202A to U+202E, U+2060, U+2066 to U+2069 and U+FEFF are trimmed at both ends; then more than
//!    4096 bytes are refused unread. What is left is brought to NFC, so that the two spellings of
//!    `é` can't disagree about anything that follows.
//! 3. One `mailto:` goes, in any case, outside or inside the angle brackets.
//! 4. `Ann <ann@example.com>`: the address stands inside the last `<` outside quotes, and the cell
//!    ends with `>` (RFC 5322 §3.4). A display name with another bracket, or with both an `@` and a
//!    comma or semicolon outside quotes, is a list of addresses, and refused.
//! 5. Exactly one `@` outside quotes, with something on both sides. A cell with any fault that falls into
//!    parts at commas and semicolons ([`several()`]), one of which is an address, is a list of addresses too.
//! 6. Local part: atext (RFC 5322 §3.2.3), dots *anywhere* (addresses with doubled and trailing dots
//!    were handed out and are in use), and non-ASCII characters (RFC 6532 §3.2) that are visible.
//!    Quotes that are not needed go; needed ones stay in one canonical spelling. Then NFC, ordinary
//!    width (RFC 8265 §3.3.2: `ａｎｎ`, as an input method writes it, is `ann`), lower case, NFC. RFC 5321
//!    §2.4 lets a host tell `Ann` from `ann`, and RFC 6532 §3.1 `ａｎｎ` from `ann`; no host in the field does,
//!    and one withheld mail too many is the cheaper mistake.
//! 7. Domain: lower-case labels of `a-z 0-9 - _`, 1 to 63 bytes, one trailing dot gone; a single
//!    label is a domain. One that is not ASCII goes through UTS 46 (non-transitional) to A-labels. An
//!    A-label stands as it is, even a false one: it can still be compared. An address literal
//!    (RFC 5321 §4.1.3) is kept in canonical form.
//! 8. The key's local part is at most 64 bytes, its domain 253, the whole 254 (RFC 5321 §4.5.3.1,
//!    less the angle brackets of a path).
//!
//! The laws, each a property test: the key of a key is that key; ASCII case never matters; NFC and NFD
//! spellings agree, and so do full-width ones; and the fast path agrees with the general one, byte for byte.
//!
//! # The widenings
//!
//! A [`Policy`] may go further, in this order, on the exact key. Each is a guess about what a provider does
//! with its mailboxes: it withholds more, never less. All but the last leave a quoted local part alone.
//!
//! | name | at | what it does |
//! | --- | --- | --- |
//! | `plus-tags` | every domain | cuts the local part at its first `+`, unless nothing would be left |
//! | `yahoo-dash` | Yahoo's domains | cuts it at the first `-` with something on both sides: the keyword of a disposable address |
//! | `gmail-dots` | gmail.com, googlemail.com | takes all dots out of it, unless nothing would be left |
//! | `googlemail` | googlemail.com | the domain becomes gmail.com |
//!
//! Their laws: a widened key is its own, exact and widened; addresses of one exact key have one widened key;
//! and no key gets longer.
//!
//! # Where it lives
//!
//! `fast` answers for plain ASCII in one pass; `slow` is every rule above, with `parse`, `local` and
//! `domain` for one part each, and `widen` goes on from either. [`Policy::explain`] runs `slow` with somebody
//! watching. [`KeyBuffer`] belongs to the caller and is reused.

pub mod digest;
mod domain;
mod explain;
mod fast;
mod invalid;
mod key;
mod local;
mod parse;
mod policy;
mod redact;
mod several;
mod slow;
mod widen;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;

pub use explain::{Explanation, Rule, Step};
pub use invalid::InvalidAddress;
pub use key::{Key, KeyBuffer};
pub use policy::{Policy, PolicyError};
pub use redact::redact;
pub use several::{Addresses, several};
pub use slow::bare;
pub use widen::is_yahoo;

/// Bytes in a key's local part, its quotes included (RFC 5321 §4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// Bytes in a key's domain: 255 on the wire, less the length byte of the first label and the root.
const DOMAIN_BYTES_MAX: usize = 253;
/// Bytes in one label of a domain (RFC 1035 §2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// Bytes in a key: a path of 256 (RFC 5321 §4.5.3.1.3) less its angle brackets.
const KEY_BYTES_MAX: usize = 254;
