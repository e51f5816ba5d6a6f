//! The compact form of a spooled row: bits, lengths of seven bits a byte, bytes. Never outlives the
//! import, so it has no version.

use crate::error::{Error, Result};
use crate::record::Timestamp;

/// Reads a payload from its front.
pub(super) struct Decoder<'p>(&'p [u8]);

pub(super) fn put_length(payload: &mut Vec<u8>, mut length: u64) {
    while length >= 0x80 {
        payload.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    payload.push(length.to_le_bytes()[0]);
}

pub(super) fn put_text(payload: &mut Vec<u8>, text: &str) {
    put_bytes(payload, text.as_bytes());
}

pub(super) fn put_bytes(payload: &mut Vec<u8>, bytes: &[u8]) {
    put_length(payload, bytes.len() as u64);
    payload.extend_from_slice(bytes);
}

pub(super) fn put_option_text(payload: &mut Vec<u8>, text: Option<&str>) {
    payload.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(payload, text);
    }
}

pub(super) fn put_time(payload: &mut Vec<u8>, at: Option<Timestamp>) {
    payload.push(u8::from(at.is_some()));
    if let Some(at) = at {
        payload.extend_from_slice(&at.as_micros().to_le_bytes());
    }
}

impl<'p> Decoder<'p> {
    pub(super) fn new(payload: &'p [u8]) -> Self {
        Self(payload)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self) -> Result<&'p [u8]> {
        let mut length = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            length |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift > 56 {
                return Err(damaged());
            }
        }
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'p str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| damaged())
    }

    pub(super) fn option_text(&mut self) -> Result<Option<&'p str>> {
        if self.byte()? == 0 { Ok(None) } else { self.text().map(Some) }
    }

    /// Microseconds, as the tables hold them.
    pub(super) fn time(&mut self) -> Result<Option<i64>> {
        if self.byte()? == 0 {
            return Ok(None);
        }
        let (micros, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(Some(i64::from_le_bytes(*micros)))
    }
}

pub(super) fn damaged() -> Error {
    Error::untrusted("the import's spool file is damaged; nothing of the file was applied")
}
