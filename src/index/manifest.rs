//! The manifest: which segments are the index, and what they are current to.
//!
//! Three lines (docs/format.md, "Manifest"): a version, one JSON object, a checksum of both. It is the
//! only file of the index that is ever replaced, so what it says is the index.

use std::io;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{IndexIdentity, Position, fault};
use crate::error::Result;
use crate::record::Timestamp;
use crate::segment::Meta;
use crate::storage::{Access, Directory};

/// The manifest's file name.
pub const NAME: &str = "manifest";
/// The format version this build writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;

const MAGIC: &str = "quell manifest ";
const CHECKSUM: &str = "xxh3-128 ";

/// What an index is: its segments, the ledger position they are current to, and whose they are.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The ledger the index was compiled from.
    pub ledger_id: String,
    /// Recognises the secret the keys were hashed with.
    pub key_id: u64,
    /// The address policy the keys were made under, as a number.
    pub policy: u32,
    /// The number of this index state.
    pub generation: u64,
    /// The ledger position the segments are current to.
    pub cursor: u64,
    /// The ledger's mark of the generation.
    pub mark: i64,
    /// When the index was first created.
    pub created_at: Timestamp,
    /// When the segments were last brought up to the ledger.
    pub compiled_at: Timestamp,
    /// Whether every segment carries its addresses.
    pub dictionary: bool,
    /// The segments, oldest first.
    pub segments: Vec<Meta>,
}

/// The JSON line. Its field names are the format; unknown ones are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ledger_id: String,
    key_id: String,
    policy: u32,
    generation: u64,
    cursor: u64,
    mark: i64,
    created_at: i64,
    compiled_at: i64,
    dictionary: bool,
    segments: Vec<SegmentLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentLine {
    name: String,
    bytes: u64,
    entries: u64,
    tombstones: u64,
    generation: u64,
}

impl Manifest {
    /// The index state the segments hold.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { generation: self.generation, cursor: self.cursor, mark: self.mark }
    }

    /// The bytes of a manifest's file, in whatever state they are.
    pub(super) fn read(directory: &dyn Directory) -> Result<Vec<u8>> {
        // Read, not mapped: a few hundred bytes.
        match directory.open(NAME, Access::Resident) {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(fault::missing(error)),
            Err(error) => Err(fault::unreadable(error)),
        }
    }

    /// The manifest of the index in `directory`, without its segments. Cost: one small file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Untrusted`] when it is missing, damaged, foreign or from a newer version.
    pub fn load(directory: &dyn Directory, identity: &IndexIdentity) -> Result<Self> {
        Self::parse(&Self::read(directory)?, identity)
    }

    /// Understands the bytes of a manifest, and refuses one that is damaged or another store's.
    pub(super) fn parse(bytes: &[u8], identity: &IndexIdentity) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| fault::damaged("it is not text"))?;
        // The version comes before the checksum: a later version may be made otherwise altogether.
        check_version(text)?;
        let manifest = Self::from_line(checked_line(text)?)?;
        match fault::foreign(&manifest, identity) {
            Some(error) => Err(error),
            None => Ok(manifest),
        }
    }

    fn from_line(line: &str) -> Result<Self> {
        let line: Line =
            serde_json::from_str(line).map_err(|error| fault::damaged(&error.to_string()))?;
        let key_id = u64::from_str_radix(&line.key_id, 16)
            .map_err(|error| fault::damaged(&format!("key_id: {error}")))?;
        Ok(Self {
            ledger_id: line.ledger_id,
            key_id,
            policy: line.policy,
            generation: line.generation,
            cursor: line.cursor,
            mark: line.mark,
            created_at: Timestamp::from_micros(line.created_at),
            compiled_at: Timestamp::from_micros(line.compiled_at),
            dictionary: line.dictionary,
            segments: line.segments.into_iter().map(Meta::from).collect(),
        })
    }

    /// The bytes of this manifest's file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let line = Line {
            ledger_id: self.ledger_id.clone(),
            key_id: format!("{:016x}", self.key_id),
            policy: self.policy,
            generation: self.generation,
            cursor: self.cursor,
            mark: self.mark,
            created_at: self.created_at.as_micros(),
            compiled_at: self.compiled_at.as_micros(),
            dictionary: self.dictionary,
            segments: self.segments.iter().map(SegmentLine::from).collect(),
        };
        let json =
            serde_json::to_string(&line).map_err(|error| fault::damaged(&error.to_string()))?;
        let mut text = format!("{MAGIC}{VERSION}\n{json}\n");
        let checksum = checksum_line(&text);
        text.push_str(&checksum);
        text.push('\n');
        Ok(text.into_bytes())
    }
}

fn checksum_line(lines: &str) -> String {
    format!("{CHECKSUM}{:032x}", xxh3_128(lines.as_bytes()))
}

fn check_version(text: &str) -> Result<()> {
    let Some(rest) = text.strip_prefix(MAGIC) else {
        let what = if MAGIC.starts_with(text) { fault::truncated() } else { not_a_manifest() };
        return Err(what);
    };
    let Some((version, _)) = rest.split_once('\n') else { return Err(fault::truncated()) };
    match version.parse::<u32>() {
        Ok(version) if version == VERSION => Ok(()),
        Ok(version) if version > VERSION => Err(fault::version(version)),
        _ => Err(fault::damaged("its format version is not a number from 1 on")),
    }
}

fn not_a_manifest() -> crate::Error {
    fault::damaged(&format!("it does not begin with `{}`", MAGIC.trim_end()))
}

/// The JSON line, when the checksum line is that of the two lines before it and nothing follows.
fn checked_line(text: &str) -> Result<&str> {
    let Some(body) = text.strip_suffix('\n') else { return Err(fault::truncated()) };
    let Some((before, found)) = body.rsplit_once('\n') else { return Err(fault::truncated()) };
    let (_, line) = before.split_once('\n').ok_or_else(fault::truncated)?;
    let lines = text.get(..=before.len()).ok_or_else(fault::truncated)?;
    let expected = checksum_line(lines);
    if found != expected {
        return Err(fault::checksum(found, &expected));
    }
    Ok(line)
}

impl From<SegmentLine> for Meta {
    fn from(line: SegmentLine) -> Self {
        let SegmentLine { name, bytes, entries, tombstones, generation } = line;
        Self { name, bytes, entries, tombstones, generation }
    }
}

impl From<&Meta> for SegmentLine {
    fn from(meta: &Meta) -> Self {
        let Meta { name, bytes, entries, tombstones, generation } = meta.clone();
        Self { name, bytes, entries, tombstones, generation }
    }
}

#[cfg(test)]
mod tests;
