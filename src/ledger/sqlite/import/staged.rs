//! Rows of an import as they are spooled.

use super::super::codes::{Coded, address_column, list_column};
use super::encoding::{Decoder, put_bytes, put_option_text, put_text, put_time};
use crate::error::{Error, Result};
use crate::record::{ContactRow, Flag, NativeRecord, Preference, Suppression, Unsubscribe};

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

/// Writes the payload of a row and returns what to sort it by: a contact by its id, the rest by key.
pub(super) fn encode<'r>(
    key: &'r [u8],
    record: &'r NativeRecord,
    payload: &mut Vec<u8>,
) -> Result<&'r [u8]> {
    match record {
        NativeRecord::Contact(row) => {
            if row.contact_id.is_empty() {
                return Err(Error::input("a contact without an id"));
            }
            encode_contact(key, row, payload);
            return Ok(row.contact_id.as_bytes());
        }
        NativeRecord::Unsubscribe(record) => encode_unsubscribe(key, record, payload),
        NativeRecord::Preference(record) => {
            if record.list.is_empty() {
                return Err(Error::input("a preference without a list"));
            }
            encode_preference(key, record, payload);
        }
        NativeRecord::Suppression(record) => encode_suppression(key, record, payload),
    }
    Ok(key)
}

fn encode_contact(key: &[u8], row: &ContactRow, payload: &mut Vec<u8>) {
    put_bytes(payload, key);
    put_text(payload, address_column(key, &row.address));
    payload.push(optional_flag(row.bulk_email));
    payload.push(optional_flag(row.email_allowed));
    payload.push(u8::from(row.former));
    put_time(payload, row.at);
}

fn encode_unsubscribe(key: &[u8], record: &Unsubscribe, payload: &mut Vec<u8>) {
    put_text(payload, list_column(record.list.as_deref()));
    put_text(payload, address_column(key, &record.address));
    put_code(payload, record.state);
    put_code(payload, record.class);
    put_time(payload, record.at);
    put_option_text(payload, record.source.as_deref());
}

fn encode_preference(key: &[u8], record: &Preference, payload: &mut Vec<u8>) {
    put_text(payload, &record.list);
    put_text(payload, address_column(key, &record.address));
    put_code(payload, record.choice);
    put_time(payload, record.at);
    put_option_text(payload, record.source.as_deref());
}

fn encode_suppression(key: &[u8], record: &Suppression, payload: &mut Vec<u8>) {
    put_code(payload, record.reason);
    put_code(payload, record.class);
    put_text(payload, address_column(key, &record.address));
    put_time(payload, record.at);
    put_time(payload, record.expires_at);
    put_option_text(payload, record.source.as_deref());
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
