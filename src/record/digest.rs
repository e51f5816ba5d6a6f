//! Entries of third parties' hashed lists.

use super::bits::entry_bits;
use super::class::{Class, RecordClass, UnknownWord};
use super::digest_value::DigestValue;
use super::timestamp::Timestamp;
use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;

/// The digest algorithms hashed lists are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5 (RFC 1321), 16 bytes.
    Md5,
    /// SHA-1 (FIPS 180-4), 20 bytes.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
}

impl Algorithm {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// Its number in the index's hashes and in the ledger: 1 to 4. Part of the file format.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Md5 => 1,
            Self::Sha1 => 2,
            Self::Sha256 => 3,
            Self::Sha512 => 4,
        }
    }

    /// The algorithm of a number.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// Bytes of its digests.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm whose digests have so many bytes.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.bytes() == bytes)
    }

    /// The digest of `text`.
    ///
    /// Cost: one call of the algorithm, 100 to 500 ns for an address. For many addresses at once `filter`
    /// has a faster way.
    ///
    /// ```
    /// use quell::record::Algorithm;
    ///
    /// let digest = Algorithm::Md5.digest(b"test@example.com");
    /// assert_eq!(digest.to_string(), "55502f40dc8b7c769880b10874abc9d0");
    /// ```
    #[must_use]
    pub fn digest(self, text: &[u8]) -> DigestValue {
        match self {
            Self::Md5 => DigestValue::of_md5(md5::Md5::digest(text).into()),
            Self::Sha1 => DigestValue::of_sha1(sha1::Sha1::digest(text).into()),
            Self::Sha256 => DigestValue::of_sha256(sha2::Sha256::digest(text).into()),
            Self::Sha512 => DigestValue::of_sha512(sha2::Sha512::digest(text).into()),
        }
    }

    /// The word used in files, options and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownWord;

    /// Reads `md5`, `sha1`, `SHA-256` and the like.
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let plain = word.trim().to_ascii_lowercase().replace(['-', '_'], "");
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == plain).ok_or_else(|| {
            UnknownWord {
                what: "algorithm",
                found: word.to_owned(),
                expected: "`md5`, `sha1`, `sha256` or `sha512`",
            }
        })
    }
}

/// An entry of a hashed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The digest itself, [`Algorithm::bytes`] of them.
    pub digest: Vec<u8>,
    /// The list it is for, or `None` for everywhere.
    pub list: Option<String>,
    /// The kinds of send it blocks.
    pub class: RecordClass,
    /// Where the entry comes from, if known.
    pub source: Option<String>,
    /// Since when, if known: nothing in a hashed list says so, the ledger does.
    pub at: Option<Timestamp>,
}

impl Digest {
    /// What the records of one digest come to in the entry of the digest itself: what those without a list
    /// withhold, and whether some list has one.
    #[must_use]
    pub fn entry<'r>(records: impl IntoIterator<Item = &'r Self>) -> DigestBlocks {
        records.into_iter().fold(DigestBlocks::NONE, |blocks, record| {
            blocks.union(match record.list {
                None => DigestBlocks::of(record.class),
                Some(_) => DigestBlocks::HAS_LISTS,
            })
        })
    }

    /// What the records of one digest come to in the entry of the digest on `list`.
    #[must_use]
    pub fn list_entry<'r>(records: impl IntoIterator<Item = &'r Self>, list: &str) -> DigestBlocks {
        let of_list = records.into_iter().filter(|record| record.list.as_deref() == Some(list));
        of_list
            .fold(DigestBlocks::NONE, |blocks, record| blocks.union(DigestBlocks::of(record.class)))
    }
}

/// What the index keeps of a digest, or of a digest on a list, in the sixteen bits of its entry.
///
/// The bit positions are part of the file format (docs/format.md). 0 is the tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DigestBlocks(u16);

entry_bits!(DigestBlocks);

impl DigestBlocks {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// On a digest: some list has it, so a batch that names lists looks further.
    pub const HAS_LISTS: Self = Self(1 << 14);
    const BULK: Self = Self(1);
    const TRANSACTIONAL: Self = Self(1 << 1);

    /// The bits of an entry whose own class is `class`.
    #[must_use]
    pub const fn of(class: RecordClass) -> Self {
        match class {
            RecordClass::Bulk => Self::BULK,
            RecordClass::Transactional => Self::TRANSACTIONAL,
            RecordClass::All => Self(Self::BULK.0 | Self::TRANSACTIONAL.0),
        }
    }

    /// Says whether a send of `class` is withheld.
    #[must_use]
    pub const fn withholds(self, class: Class) -> bool {
        match class {
            Class::Bulk => self.contains(Self::BULK),
            Class::Transactional => self.contains(Self::TRANSACTIONAL),
        }
    }
}
