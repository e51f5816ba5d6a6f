//! Rows of an import as they are spooled.

use super::super::codes::{Coded, address_column, list_column};
use super::encoding::{Decoder, damaged, put_bytes, put_option_text, put_text, put_time};
use crate::error::{Error, Result};
use crate::ledger::sort::Buffer;
use crate::record::{Flag, Kind, NativeRow};

/// A spooled unsubscribe, its values as the table's columns hold them.
pub(super) struct StagedUnsubscribe<'p> {
    pub(super) list: &'p str,
    pub(super) address: &'p str,
    pub(super) state: i64,
    pub(super) class: i64,
    pub(super) at: Option<i64>,
    pub(super) source: Option<&'p str>,
}

/// A spooled preference.
pub(super) struct StagedPreference<'p> {
    pub(super) list: &'p str,
    pub(super) address: &'p str,
    pub(super) choice: i64,
    pub(super) at: Option<i64>,
    pub(super) source: Option<&'p str>,
}

/// A spooled suppression.
pub(super) struct StagedSuppression<'p> {
    pub(super) reason: i64,
    pub(super) class: i64,
    pub(super) address: &'p str,
    pub(super) at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    pub(super) source: Option<&'p str>,
}

/// A spooled contact row; spooled by contact id, so the key is in the payload.
pub(super) struct StagedContact<'p> {
    pub(super) key: &'p [u8],
    pub(super) address: &'p str,
    pub(super) bulk_email: Option<Flag>,
    pub(super) email_allowed: Option<Flag>,
    pub(super) former: bool,
    pub(super) at: Option<i64>,
}

/// Rows of an import, encoded: made by any thread, taken in by
/// [`ImportSession::take`](crate::ledger::ImportSession::take).
///
/// Memory: about the rows' bytes, and some 30 bytes a row.
#[derive(Debug, Default)]
pub struct StagedRows {
    of_kind: [Buffer; 4],
    /// The row at hand, encoded; one buffer for all.
    payload: Vec<u8>,
    tally: Tally,
}

/// Rows of a file that are not one record each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Rows without a record.
    pub(super) without: u64,
    /// Rows of several records.
    pub(super) several: u64,
    /// The records of those.
    pub(super) parts: u64,
}

impl StagedRows {
    /// Adds a row behind those before it. Cost: one copy of its bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) for an empty contact id or, in a preference, an
    /// empty list, and for more than 4 GiB of rows.
    pub fn push(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        self.push_part(key, row, None)
    }

    /// Counts a row of the file that holds no record: it will be `unchanged`.
    pub fn pass_over(&mut self) {
        self.tally.without += 1;
    }

    /// Adds the records, two or more, of one row of the file, which is counted once: `added` if one of
    /// them is, else `held` if one is, else `unchanged`.
    ///
    /// `number` tells the row from all other such rows of the import: they have the numbers from 0, each
    /// one, in any order.
    ///
    /// # Errors
    ///
    /// As [`StagedRows::push`].
    pub fn push_several<'r>(
        &mut self,
        number: u32,
        records: impl IntoIterator<Item = (&'r [u8], &'r NativeRow<'r>)>,
    ) -> Result<()> {
        self.tally.several += 1;
        for (key, row) in records {
            self.tally.parts += 1;
            self.push_part(key, row, Some(number))?;
        }
        Ok(())
    }

    fn push_part(&mut self, key: &[u8], row: &NativeRow<'_>, part: Option<u32>) -> Result<()> {
        self.payload.clear();
        let sort = encode(key, row, &mut self.payload)?;
        put_part(&mut self.payload, part);
        self.of_kind[row.kind() as usize].push(sort, &self.payload)
    }

    /// The rows that are not one record each.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The rows of each kind there are some of.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, &Buffer)> {
        Kind::ALL.into_iter().zip(&self.of_kind).filter(|(_, rows)| rows.len() > 0)
    }
}

/// Ends a payload with the number of the row of several records that it is of, if it is of one. One byte
/// behind the fields, which their readers never come to.
pub(super) fn put_part(payload: &mut Vec<u8>, part: Option<u32>) {
    if let Some(number) = part {
        payload.extend_from_slice(&number.to_le_bytes());
    }
    payload.push(u8::from(part.is_some()));
}

/// What [`put_part`] ended the payload with.
pub(super) fn part_of(payload: &[u8]) -> Result<Option<u32>> {
    match payload {
        [.., 0] => Ok(None),
        [.., a, b, c, d, 1] => Ok(Some(u32::from_le_bytes([*a, *b, *c, *d]))),
        _ => Err(damaged()),
    }
}

/// Writes the payload of a row and returns what to sort it by: a contact by its id, the rest by key.
pub(super) fn encode<'r>(
    key: &'r [u8],
    row: &NativeRow<'r>,
    payload: &mut Vec<u8>,
) -> Result<&'r [u8]> {
    match *row {
        NativeRow::Contact { contact_id, address, bulk_email, email_allowed, at, former } => {
            if contact_id.is_empty() {
                return Err(Error::input("a contact without an id"));
            }
            put_bytes(payload, key);
            put_text(payload, address_column(key, address));
            payload.push(optional_flag(bulk_email));
            payload.push(optional_flag(email_allowed));
            payload.push(u8::from(former));
            put_time(payload, at);
            return Ok(contact_id.as_bytes());
        }
        NativeRow::Unsubscribe { address, list, state, class, at, source } => {
            put_text(payload, list_column(list));
            put_text(payload, address_column(key, address));
            put_code(payload, state);
            put_code(payload, class);
            put_time(payload, at);
            put_option_text(payload, source);
        }
        NativeRow::Preference { address, list, choice, at, source } => {
            if list.is_empty() {
                return Err(Error::input("a preference without a list"));
            }
            put_text(payload, list);
            put_text(payload, address_column(key, address));
            put_code(payload, choice);
            put_time(payload, at);
            put_option_text(payload, source);
        }
        NativeRow::Suppression { address, reason, class, at, expires_at, source } => {
            put_code(payload, reason);
            put_code(payload, class);
            put_text(payload, address_column(key, address));
            put_time(payload, at);
            put_time(payload, expires_at);
            put_option_text(payload, source);
        }
    }
    Ok(key)
}

impl<'p> StagedUnsubscribe<'p> {
    pub(super) fn decode(payload: &'p [u8]) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        Ok(Self {
            list: decoder.text()?,
            address: decoder.text()?,
            state: decoder.byte()?.into(),
            class: decoder.byte()?.into(),
            at: decoder.time()?,
            source: decoder.option_text()?,
        })
    }
}

impl<'p> StagedPreference<'p> {
    pub(super) fn decode(payload: &'p [u8]) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        Ok(Self {
            list: decoder.text()?,
            address: decoder.text()?,
            choice: decoder.byte()?.into(),
            at: decoder.time()?,
            source: decoder.option_text()?,
        })
    }
}

impl<'p> StagedSuppression<'p> {
    pub(super) fn decode(payload: &'p [u8]) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        Ok(Self {
            reason: decoder.byte()?.into(),
            class: decoder.byte()?.into(),
            address: decoder.text()?,
            at: decoder.time()?,
            expires_at: decoder.time()?,
            source: decoder.option_text()?,
        })
    }
}

impl<'p> StagedContact<'p> {
    pub(super) fn decode(payload: &'p [u8]) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        Ok(Self {
            key: decoder.bytes()?,
            address: decoder.text()?,
            bulk_email: flag_of(decoder.byte()?)?,
            email_allowed: flag_of(decoder.byte()?)?,
            former: decoder.byte()? != 0,
            at: decoder.time()?,
        })
    }
}

/// 0 for none, else one more than the code.
fn optional_flag(flag: Option<Flag>) -> u8 {
    flag.map_or(0, |flag| 1 + u8::from(flag.is_denied()))
}

fn flag_of(byte: u8) -> Result<Option<Flag>> {
    match byte {
        0 => Ok(None),
        code => Flag::from_code(i64::from(code) - 1).map(Some),
    }
}

fn put_code(payload: &mut Vec<u8>, value: impl Coded) {
    // Codes are the positions in lists of at most four.
    payload.push(value.code().to_le_bytes()[0]);
}
