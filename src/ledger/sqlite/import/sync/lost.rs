//! What is to go from a key, spooled until the whole file was compared.

use super::super::encoding::{Decoder, damaged};
use crate::error::Result;
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::sqlite::claims::Sub;

/// What is to become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes.
    Delete,
    /// It is to withhold no more than this: a choice, the end of a block, classes, subdomains; of a contact the
    /// flags to allow.
    Weaken(i64),
    /// It stays although the source lost it.
    Keep,
}

/// A record of a key, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) sub: Sub,
    pub(super) fate: Fate,
}

impl Lost {
    pub(super) fn spool(&self, key: &[u8], to: &mut Sorter) -> Result<()> {
        let (tag, says) = match self.fate {
            Fate::Delete => (0, 0),
            Fate::Weaken(says) => (1, says),
            Fate::Keep => (2, 0),
        };
        let mut payload = vec![tag];
        payload.extend_from_slice(&i64::to_le_bytes(says));
        payload.extend_from_slice(&self.sub.to_bytes());
        to.push(key, &payload)
    }

    fn read(payload: &[u8]) -> Result<Self> {
        let tag = Decoder::new(payload).byte()?;
        let (says, sub) =
            payload.get(1..).and_then(|rest| rest.split_first_chunk()).ok_or_else(damaged)?;
        let fate = match tag {
            0 => Fate::Delete,
            1 => Fate::Weaken(i64::from_le_bytes(*says)),
            _ => Fate::Keep,
        };
        Ok(Self { sub: sub_of(sub)?, fate })
    }
}

/// What [`Sub::to_bytes`] gave.
pub(super) fn sub_of(bytes: &[u8]) -> Result<Sub> {
    let (code, name) = bytes.split_first().ok_or_else(damaged)?;
    let name = std::str::from_utf8(name).map_err(|_| damaged())?.to_owned();
    Ok(Sub { code: *code, name })
}

/// Takes a key with what is to become of its records.
type EachKey<'e> = &'e mut dyn FnMut(&[u8], &[Lost]) -> Result<()>;

/// Hands out each key with what is to become of its records, in the order of the keys.
pub(super) fn for_each_key(mut spooled: Sorted, each: EachKey<'_>) -> Result<()> {
    let (mut key, mut lost) = (Vec::new(), Vec::new());
    while let Some((next, payload)) = spooled.next()? {
        if next != key.as_slice() {
            if !lost.is_empty() {
                each(&key, &lost)?;
                lost.clear();
            }
            key.clear();
            key.extend_from_slice(next);
        }
        lost.push(Lost::read(payload)?);
    }
    if lost.is_empty() { Ok(()) } else { each(&key, &lost) }
}
