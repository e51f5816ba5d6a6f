//! A sync: a source's complete file, applied as an import, and what was deleted there deleted here.
//!
//! What a record is told by, its *identity*: an unsubscribe by key, list and class; a preference by key and list; a
//! suppression by key, reason and class; a rule by its domain; a digest by its bytes and list; a contact by its id.
//!
//! A record is *owned* by the source it carries. A sync takes over what has no source and is named by its file,
//! unless the file says less than the record. It removes what it owns and the file does not name, and where the file
//! says less of an owned record than is recorded (*In*, *Allow*, an earlier expiry, a narrower class), the record
//! follows. Records of other sources stay as they are.

use super::import::ImportCounts;
use super::mutation::FlagsChanged;
use super::stored::{Record, StoredRecord};
use crate::record::{KeyState, Permission};
use serde_json::{Value, json};
use std::fmt;

/// Removals that always pass when nothing else was asked for.
const REMOVALS_MIN: u64 = 100;
/// The share of what a source owns whose removal passes when nothing else was asked for: 0.5 %.
const SHARE_DEFAULT: Share = Share(500_000);

/// A share, exact: in millionths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

/// How many removals a sync may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// 100, or 0.5 % of what the source owned if that is more.
    #[default]
    Usual,
    /// So many.
    Count(u64),
    /// A share of what the source owned.
    Share(Share),
}

impl Share {
    const HUNDRED_PERCENT: u32 = 100_000_000;

    /// Reads a percentage, without its sign: `0.5`, `12`, `100`; at most six decimals.
    ///
    /// ```
    /// use quell::ledger::sync::{Limit, Share};
    ///
    /// let half = Share::of_percent("0.5").unwrap();
    /// assert_eq!(Limit::Share(half).allows(10_000), 50);
    /// assert!(Share::of_percent("101").is_none() && Share::of_percent("-1").is_none());
    /// ```
    #[must_use]
    pub fn of_percent(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 6 {
            return None;
        }
        let whole: u32 = whole.parse().ok()?;
        let decimals: u32 = format!("{decimals:0<6}").parse().ok()?;
        let share = whole.checked_mul(1_000_000)?.checked_add(decimals)?;
        (share <= Self::HUNDRED_PERCENT).then_some(Self(share))
    }

    fn of(self, number: u64) -> u64 {
        let part = u128::from(number) * u128::from(self.0) / u128::from(Self::HUNDRED_PERCENT);
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl Limit {
    /// How many removals pass when the source owned so many records.
    #[must_use]
    pub fn allows(self, owned: u64) -> u64 {
        match self {
            Self::Usual => REMOVALS_MIN.max(SHARE_DEFAULT.of(owned)),
            Self::Count(count) => count,
            Self::Share(share) => share.of(owned),
        }
    }
}

/// What a sync is asked to do.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// Whose complete file it is; never empty.
    pub source: String,
    /// The proof that goes with everything lifted; without one nothing is changed, only told.
    pub permission: Option<Permission>,
    /// How many removals are too many.
    pub limit: Limit,
    /// Whether a file without rows may be meant so.
    pub allow_empty: bool,
    /// Only tell.
    pub dry_run: bool,
}

/// What is known of the file besides its rows.
#[derive(Debug, Clone)]
pub struct SyncFile {
    /// Its rows.
    pub read: u64,
    /// Those among them that could not be understood: of a file that is not cut off there may be none.
    pub rejected: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Whether it has a header, or anything at all.
    pub has_header: bool,
    /// Whether it ends with a line end.
    pub ended: bool,
    /// What shows that it is cut off, in words.
    pub cut: Option<String>,
}

/// What becomes of one key, before it is durable.
#[derive(Debug)]
pub struct Removal<'a> {
    /// The key of an address, a domain or a digest's bytes.
    pub key: &'a [u8],
    /// Records that go.
    pub deleted: &'a [StoredRecord],
    /// Records that block less, or no longer, with what they become.
    pub changed: &'a [(StoredRecord, Record)],
    /// Complaints that the source no longer has, and that stay.
    pub held: &'a [StoredRecord],
    /// What is recorded of an address's key afterwards.
    pub after: &'a KeyState,
}

/// What stopped a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brake {
    /// The file has no rows.
    NoRows,
    /// The file is cut off; how that shows.
    Cut(String),
    /// Far fewer rows than the last sync of the source.
    Shrunk {
        /// Rows now.
        rows: u64,
        /// Rows then.
        before: u64,
    },
    /// Too many removals.
    TooMany {
        /// Removals.
        removed: u64,
        /// What passes.
        limit: u64,
        /// What the source owned.
        owned: u64,
    },
    /// Too many entries of the index would withhold nothing any more.
    Index {
        /// Such entries.
        released: u64,
        /// What passes.
        limit: u64,
    },
}

/// What a sync came to, or would have come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// As of an import; rows that lifted something are among the `added` here, for they changed something.
    pub counts: ImportCounts,
    /// Rows whose record followed them to a weaker block.
    pub lifted: u64,
    /// Identities removed, and weakened: what the limit is about.
    pub removed: u64,
    /// Records without a source that are the source's now.
    pub adopted: u64,
    /// Identities that passed to another source, whose file named them too.
    pub passed_on: u64,
    /// Complaints that the source no longer has, and that stay.
    pub complaints: u64,
    /// Identities that the source owned before.
    pub owned: u64,
    /// Entries of the index, of addresses, domains or digests, that withhold nothing any more.
    pub released: u64,
    /// What stopped it: then, and on a dry run, nothing was changed.
    pub brakes: Vec<Brake>,
    /// Whether it was applied.
    pub applied: bool,
}

impl Synced {
    /// Says whether the source owned nothing: its first sync, which removes nothing.
    #[must_use]
    pub fn is_baseline(&self) -> bool {
        self.owned == 0
    }
}

impl Removal<'_> {
    /// The changes of contacts' flags among [`Removal::changed`].
    pub fn flags(&self) -> impl Iterator<Item = FlagsChanged> + '_ {
        self.changed.iter().filter_map(|(was, now)| match (&was.record, now) {
            (Record::Contact(was), Record::Contact(now)) => Some(FlagsChanged::between(was, now)),
            _ => None,
        })
    }
}

impl Brake {
    /// The word for it in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoRows => "no_rows",
            Self::Cut(_) => "cut_off",
            Self::Shrunk { .. } => "fewer_rows",
            Self::TooMany { .. } => "too_many_removals",
            Self::Index { .. } => "index_shrinks",
        }
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoRows => "make the export again; if the source really has no record left, let the file have its \
                             header, and say --allow-empty and --max-removals 100%"
                .to_owned(),
            Self::Cut(_) => "make the export again, and wait until it is done".to_owned(),
            Self::Shrunk { .. } => "look at what would be removed; if the file is complete, say how many removals \
                                    are right: --max-removals N"
                .to_owned(),
            Self::TooMany { removed, .. } => {
                format!("look at what would be removed; if all of it is right, say --max-removals {removed}")
            }
            Self::Index { released, .. } => {
                format!("look at who would become reachable; if all of it is right, say --max-removals {released}")
            }
        }
    }

    /// As commands print it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"brake": self.as_str(), "message": self.to_string()})
    }
}

impl fmt::Display for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRows => f.write_str("the file has no rows"),
            Self::Cut(how) => write!(f, "the file is cut off: {how}"),
            Self::Shrunk { rows, before } => {
                write!(
                    f,
                    "the file has {rows} rows, less than half of the {before} of the sync before"
                )
            }
            Self::TooMany { removed, limit, owned } => {
                write!(f, "{removed} removals of {owned} records, at most {limit} pass")
            }
            Self::Index { released, limit } => {
                write!(
                    f,
                    "{released} entries of the index would withhold nothing any more, at most {limit} pass"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_exact() {
        assert_eq!(Limit::Usual.allows(0), 100);
        assert_eq!(Limit::Usual.allows(20_000), 100);
        assert_eq!(Limit::Usual.allows(20_199), 100);
        assert_eq!(Limit::Usual.allows(20_200), 101);
        assert_eq!(Limit::Count(0).allows(u64::MAX), 0);
        let share = |text| Limit::Share(Share::of_percent(text).unwrap());
        assert_eq!(share("100").allows(u64::MAX), u64::MAX);
        assert_eq!(share("0").allows(u64::MAX), 0);
        assert_eq!(share("33.333333").allows(3_000_000), 999_999);
    }

    #[test]
    fn only_a_percentage_is_one() {
        for text in
            ["", ".", "1.", ".5", "+1", "1e2", " 1", "100.000001", "101", "1.0000001", "4294967296"]
        {
            assert_eq!(Share::of_percent(text), None, "{text:?}");
        }
        assert_eq!(Share::of_percent("0.05"), Some(Share(50_000)));
    }
}
