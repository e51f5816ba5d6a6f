//! Where every byte of a segment is: with its parts `bucket` and `checksum`, the only file with offsets,
//! sizes and magic numbers.
//!
//! docs/format.md says the same in words; a change here is a change of [`VERSION`].

mod bucket;
mod checksum;

pub(super) use bucket::{BUCKET_LEN, Bucket, Probe, SLOTS, STEP_MAX, Slots, class, concerns, step};
pub(super) use checksum::checksum;

use super::{Entry, Expiring, Hash, Identity};

/// The first bytes of every segment.
pub(super) const MAGIC: [u8; 8] = *b"QUELLSEG";
/// The format version this build writes, and the only one it reads.
pub(super) const VERSION: u32 = 2;
/// The end of a segment's file name; before it stands the header's checksum in hex.
pub(super) const NAME_SUFFIX: &str = ".seg";

/// Bytes of the header.
pub(super) const HEADER_LEN: usize = 96;
/// Bytes of the header under its own checksum: everything before it.
const HEADER_CHECKED: usize = 80;
/// Bytes of one row of the section table.
pub(super) const SECTION_LEN: usize = 48;
/// A segment has one section of a kind, so a larger count is damage.
pub(super) const SECTIONS_MAX: u32 = 16;

/// Bytes of a row of the ENTRIES section.
pub(super) const ENTRY_LEN: usize = 24;
/// Bytes of a row of the EXPIRING section.
pub(super) const EXPIRING_LEN: usize = 32;

/// The file name of the segment whose header has `checksum`.
pub(super) fn name(checksum: u128) -> String {
    format!("{checksum:032x}{NAME_SUFFIX}")
}

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The hash table; its items are buckets.
    Table,
    /// Full hashes with states, sorted.
    Entries,
    /// Instants at which a state changes by time alone, sorted by hash.
    Expiring,
    /// An `fst::Map` from key to state.
    Dictionary,
}

impl Kind {
    /// The number in the file. 5 (domain rules) and 6 (digests) are reserved.
    fn code(self) -> u32 {
        match self {
            Self::Table => 1,
            Self::Entries => 2,
            Self::Expiring => 3,
            Self::Dictionary => 4,
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        [Self::Table, Self::Entries, Self::Expiring, Self::Dictionary]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// What the section's offset is a multiple of.
    pub(super) fn alignment(self) -> usize {
        match self {
            // A page: every bucket is then one cache line, wherever the file is mapped.
            Self::Table => 4096,
            Self::Entries | Self::Expiring | Self::Dictionary => 64,
        }
    }

    /// Bytes of one item, where items have one size.
    pub(super) fn item_len(self) -> Option<usize> {
        match self {
            Self::Table => Some(BUCKET_LEN),
            Self::Entries => Some(ENTRY_LEN),
            Self::Expiring => Some(EXPIRING_LEN),
            Self::Dictionary => None,
        }
    }

    /// The section's name in messages.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Entries => "entries",
            Self::Expiring => "expiring",
            Self::Dictionary => "dictionary",
        }
    }
}

/// The fixed-width fields at the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sections: u32,
    pub(super) file_len: u64,
    pub(super) entries: u64,
    pub(super) tombstones: u64,
    pub(super) generation: u64,
    pub(super) identity: Identity,
    pub(super) section_table: u128,
}

impl Header {
    /// The header's bytes, and its checksum, which names the file.
    pub(super) fn encode(&self) -> (Vec<u8>, u128) {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.sections.to_le_bytes());
        for field in [self.file_len, self.entries, self.tombstones, self.generation] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(self.identity.key_id.to_le_bytes());
        bytes.extend(self.identity.policy.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.section_table.to_le_bytes());
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        (bytes, sum)
    }

    /// The fields, and the checksum the header carries of itself. `None` when that checksum is wrong.
    pub(super) fn decode(bytes: &[u8; HEADER_LEN]) -> Option<(Self, u128)> {
        let mut fields = Fields(bytes);
        let (_magic, _version) = (fields.u64()?, fields.u32()?);
        let header = Self {
            sections: fields.u32()?,
            file_len: fields.u64()?,
            entries: fields.u64()?,
            tombstones: fields.u64()?,
            generation: fields.u64()?,
            identity: Identity { key_id: fields.u64()?, policy: fields.u32()? },
            section_table: fields.skip(4)?.u128()?,
        };
        let sum = fields.u128()?;
        (checksum(bytes.get(..HEADER_CHECKED)?) == sum).then_some((header, sum))
    }
}

/// The magic and the version, which every version of the format keeps at this place.
pub(super) fn magic_and_version(bytes: &[u8]) -> Option<([u8; 8], u32)> {
    let mut fields = Fields(bytes);
    Some((fields.array()?, fields.u32()?))
}

/// One row of the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) items: u64,
    pub(super) checksum: u128,
}

impl Section {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.kind.code().to_le_bytes());
        bytes.extend([0; 4]);
        for field in [self.offset, self.length, self.items] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(self.checksum.to_le_bytes());
    }

    /// The row, or the number of a kind this version does not have.
    pub(super) fn decode(bytes: &[u8; SECTION_LEN]) -> Result<Self, u32> {
        let mut fields = Fields(bytes);
        let code = fields.u32().unwrap_or(0);
        let kind = Kind::from_code(code).ok_or(code)?;
        let mut rest = || {
            Some(Self {
                kind,
                offset: fields.skip(4)?.u64()?,
                length: fields.u64()?,
                items: fields.u64()?,
                checksum: fields.u128()?,
            })
        };
        rest().ok_or(code)
    }
}

impl Entry {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.hash.lo.to_le_bytes());
        bytes.extend(self.hash.hi.to_le_bytes());
        bytes.extend(self.state.to_le_bytes());
        bytes.extend([0; 6]);
    }

    pub(super) fn decode(row: &[u8; ENTRY_LEN]) -> Self {
        let [lo, hi, state] = words(row);
        Self { hash: Hash { lo, hi }, state: low_16(state) }
    }
}

impl Expiring {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.hash.lo.to_le_bytes());
        bytes.extend(self.hash.hi.to_le_bytes());
        bytes.extend(self.at.to_le_bytes());
        bytes.extend(self.bits.to_le_bytes());
        bytes.extend([0; 6]);
    }

    pub(super) fn decode(row: &[u8; EXPIRING_LEN]) -> Self {
        let [lo, hi, at, bits] = words(row);
        Self { hash: Hash { lo, hi }, at: at.cast_signed(), bits: low_16(bits) }
    }
}

#[inline]
fn low_16(word: u64) -> u16 {
    let [a, b, ..] = word.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// A row's little-endian words.
#[inline]
fn words<const BYTES: usize, const WORDS: usize>(row: &[u8; BYTES]) -> [u64; WORDS] {
    const { assert!(BYTES == WORDS * 8) };
    let (words, _) = row.as_chunks::<8>();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

/// Reads fixed-width fields one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    fn skip(&mut self, count: usize) -> Option<&mut Self> {
        self.0 = self.0.get(count..)?;
        Some(self)
    }
}
