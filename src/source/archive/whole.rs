//! Whether an archive's directory tells of everything that is in the file.
//!
//! A ZIP is read from its end, so an archive in front of another, one cut off behind an archive it holds, and a
//! file that the directory leaves out would all be passed over without a word.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// Bytes of the record that ends an archive, without its comment (APPNOTE.TXT 4.3.16).
const END_BYTES: usize = 22;
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
/// Bytes of the head of a member (4.3.7): a shorter gap hides none. What may stand between members is a data
/// descriptor of 24 bytes at most.
const HEAD_BYTES: u64 = 30;

/// What the last record of an archive says.
pub(super) struct End {
    /// How many members the directory has; `None` when a record of Zip64 says it.
    members: Option<usize>,
    /// Where the directory begins; `None` as above.
    directory: Option<u64>,
}

impl End {
    /// Finds the last record: the file ends with it and its comment.
    pub(super) fn read(file: &mut File, name: &str) -> Result<Self> {
        let failed = |error: io::Error| Error::reading(Path::new(name), error);
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let from = length.saturating_sub(END_BYTES as u64 + u64::from(u16::MAX));
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).map_err(failed)?;
        let found = tail.windows(END_BYTES).enumerate().rev().find(|(at, record)| {
            record.starts_with(&END_SIGNATURE)
                && at + END_BYTES + usize::from(u16_at(record, 20)) == tail.len()
        });
        let Some((at, record)) = found else {
            return Err(not_whole(name, "it does not end where a ZIP archive ends"));
        };
        let place = from + at as u64;
        let (members, size, directory) =
            (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
        if members == u16::MAX || size == u32::MAX || directory == u32::MAX {
            return Ok(Self { members: None, directory: None });
        }
        let directory = u64::from(directory);
        if directory + u64::from(size) != place {
            return Err(not_whole(name, "its directory is not where it says"));
        }
        Ok(Self { members: Some(usize::from(members)), directory: Some(directory) })
    }

    /// Checks that `members` are all there are, and that they fill the file up to the directory, one after the
    /// other.
    pub(super) fn check(
        &self,
        name: &str,
        members: usize,
        mut ranges: Vec<Range<u64>>,
    ) -> Result<()> {
        if self.members.is_some_and(|told| told != members) {
            return Err(not_whole(name, "two of its files have one name"));
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut end = 0;
        for range in &ranges {
            if range.start < end {
                let message = format!("`{name}`: files of the archive overlap");
                return Err(Error::input(message).with_hint("only a trick makes such an archive"));
            }
            if range.start - end >= HEAD_BYTES || end == 0 && range.start != 0 {
                return Err(not_whole(name, "bytes in it belong to none of its files"));
            }
            end = range.end;
        }
        match self.directory {
            Some(directory) if directory < end || directory - end >= HEAD_BYTES => {
                Err(not_whole(name, "bytes in it belong to none of its files"))
            }
            _ => Ok(()),
        }
    }
}

fn not_whole(name: &str, why: &str) -> Error {
    Error::input(format!("`{name}` is a damaged or truncated ZIP archive: {why}"))
        .with_hint("fetch it again, or extract it and import its files")
}

fn u16_at(record: &[u8], at: usize) -> u16 {
    let bytes = record.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(record: &[u8], at: usize) -> u32 {
    let bytes = record.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
