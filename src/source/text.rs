//! Bytes in any encoding that is read → UTF-8 without a mark.

use super::encoding::{Encoding, EncodingChoice};
use super::start::Start;
use crate::error::{Error, Result};
use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};
use std::path::Path;

/// How many first bytes decide the encoding.
const DECIDING_BYTES: usize = 1 << 20;

/// Bytes decoded at once.
const BLOCK_BYTES: usize = 64 << 10;

/// A text as UTF-8 without a mark, every byte of it checked.
///
/// Memory: the first mebibyte, and 256 KiB.
pub struct Text<R> {
    encoding: Encoding,
    name: String,
    input: Start<R>,
    transcoder: Transcoder,
    /// Bytes read and not decoded yet: a character that a block cut in two.
    raw: Vec<u8>,
    raw_filled: usize,
    /// Bytes of the input before `raw`.
    position: u64,
    ready: Vec<u8>,
    ready_at: usize,
    ended: bool,
    fault: Option<u64>,
}

enum Transcoder {
    Check,
    Table(Decoder),
    Wide(Decoder),
}

/// Reads `input` as text. The encoding is the one chosen, else what the first mebibyte says
/// ([`Encoding::of`]); a later byte that it does not allow is an error with its place, because what was read
/// before it may have been misread too.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for an input that can't be read, and for UTF-32.
///
/// ```
/// # use quell::source::text;
/// # use std::io::Read;
/// let mut latin = text(&b"caf\xe9\n"[..], "list.csv", None)?;
/// let mut utf8 = String::new();
/// latin.read_to_string(&mut utf8).unwrap();
/// assert_eq!(utf8, "café\n");
/// # Ok::<(), quell::Error>(())
/// ```
pub fn text<R: Read>(input: R, name: &str, choice: Option<EncodingChoice>) -> Result<Text<R>> {
    let mut input = Start::read(input, DECIDING_BYTES)
        .map_err(|error| Error::reading(Path::new(name), error))?;
    let start = input.first_bytes();
    if matches!(start, [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..]) {
        return Err(Error::input(format!("`{name}` is UTF-32 text"))
            .with_hint("convert it first: `iconv -f UTF-32 -t UTF-8`"));
    }
    let encoding = match choice {
        Some(choice) => Encoding::chosen(choice, start),
        None => Encoding::of(start, input.is_whole()),
    };
    let mark = encoding.mark_length(start);
    let transcoder = match encoding {
        Encoding::Utf8 | Encoding::Utf8Mark => Transcoder::Check,
        Encoding::Latin1 => Transcoder::Table(WINDOWS_1252.new_decoder_without_bom_handling()),
        Encoding::Utf16Le => Transcoder::Wide(UTF_16LE.new_decoder_without_bom_handling()),
        Encoding::Utf16Be => Transcoder::Wide(UTF_16BE.new_decoder_without_bom_handling()),
    };
    input.skip(mark);
    Ok(Text {
        encoding,
        name: name.to_owned(),
        input,
        transcoder,
        raw: vec![0; BLOCK_BYTES],
        raw_filled: 0,
        position: mark as u64,
        ready: Vec::new(),
        ready_at: 0,
        ended: false,
        fault: None,
    })
}

impl<R> Text<R> {
    /// The encoding of the input.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What follows the start; for taking measures of it after reading.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.input.into_parts().2
    }
}

impl<R: Read> Text<R> {
    /// Decodes the next block into `ready`.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.ready_at = 0;
        while self.ready.is_empty() && !self.ended && self.fault.is_none() {
            let count = self.input.read(&mut self.raw[self.raw_filled..])?;
            self.raw_filled += count;
            self.ended = count == 0;
            let decoded = self.decode();
            self.fault = decoded.wrong.map(|at| self.position.saturating_add_signed(at));
            self.position += decoded.taken as u64;
            self.raw.copy_within(decoded.taken..self.raw_filled, 0);
            self.raw_filled -= decoded.taken;
        }
        Ok(())
    }

    fn decode(&mut self) -> Decoded {
        let (raw, ready) = (&self.raw[..self.raw_filled], &mut self.ready);
        match &mut self.transcoder {
            Transcoder::Check => check(raw, self.ended, ready),
            Transcoder::Table(decoder) => {
                // The five bytes that Windows-1252 leaves undefined.
                let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
                let end = raw.iter().position(undefined);
                let good = &raw[..end.unwrap_or(raw.len())];
                let _ = transcode(decoder, good, false, ready);
                Decoded { taken: good.len(), wrong: end.map(|end| end as i64) }
            }
            Transcoder::Wide(decoder) => {
                // Whole units only, so that a place is that of a unit; a lone byte at the end is wrong.
                let whole = raw.len() & !1;
                let decoded = transcode(decoder, &raw[..whole], self.ended, ready);
                let lone = (self.ended && whole < raw.len()).then_some(whole as i64);
                Decoded { wrong: decoded.wrong.or(lone), ..decoded }
            }
        }
    }

    fn fault(&self, at: u64) -> io::Error {
        let Self { name, encoding, .. } = self;
        let other = match encoding {
            Encoding::Utf8 | Encoding::Utf8Mark => {
                "say what it is with `--encoding latin-1` (or utf-16), or convert it first"
            }
            Encoding::Latin1 => "say what it is with `--encoding`, or convert it to UTF-8 first",
            Encoding::Utf16Le | Encoding::Utf16Be => {
                "half a character or half a pair: is the file whole? Save it as UTF-8"
            }
        };
        let error = Error::input(format!("`{name}`: byte {at} is not {}", encoding.plain()))
            .with_hint(other);
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready_at == self.ready.len() {
            self.fill()?;
        }
        let mut ready = &self.ready[self.ready_at..];
        if ready.is_empty()
            && let Some(at) = self.fault
        {
            return Err(self.fault(at));
        }
        let count = ready.read(buffer)?;
        self.ready_at += count;
        Ok(count)
    }
}

/// How far a block was decoded, and what is wrong: its place from the block's start, before which a pair
/// that the block's end cut in two may begin.
struct Decoded {
    taken: usize,
    wrong: Option<i64>,
}

/// UTF-8: checked and taken as it is.
fn check(raw: &[u8], last: bool, ready: &mut Vec<u8>) -> Decoded {
    let (taken, wrong) = match std::str::from_utf8(raw) {
        Ok(_) => (raw.len(), false),
        Err(error) => (error.valid_up_to(), error.error_len().is_some() || last),
    };
    ready.extend_from_slice(&raw[..taken]);
    Decoded { taken, wrong: wrong.then_some(taken as i64) }
}

fn transcode(decoder: &mut Decoder, raw: &[u8], last: bool, ready: &mut Vec<u8>) -> Decoded {
    let before = ready.len();
    // Three bytes a unit at most, and what the decoder held back.
    ready.resize(before + raw.len() * 3 + 16, 0);
    let (result, read, written) =
        decoder.decode_to_utf8_without_replacement(raw, &mut ready[before..], last);
    ready.truncate(before + written);
    match result {
        DecoderResult::Malformed(length, extra) => {
            let at = read as i64 - i64::from(length) - i64::from(extra);
            Decoded { taken: read, wrong: Some(at) }
        }
        _ => Decoded { taken: read, wrong: None },
    }
}

#[cfg(test)]
mod tests;
