//! Where a ledger stands.

/// A position in the change feed, to be stored and handed back, and nothing else.
///
/// Opaque on purpose: in SQLite it is the last sequence number; a PostgreSQL ledger will hand out a
/// snapshot instead, because sequence order is not commit order there. So it has no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Cursor(u64);

impl Cursor {
    /// Before the first change.
    pub const START: Self = Self(0);

    /// The cursor as an index stores it.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// A stored cursor.
    #[must_use]
    pub const fn from_u64(stored: u64) -> Self {
        Self(stored)
    }
}

/// The state a view sees: its generation, and the feed up to and including it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Position {
    /// The last generation, 0 for a ledger nothing was ever recorded in.
    pub generation: u64,
    /// The end of the feed.
    pub cursor: Cursor,
    /// The generation's own random mark: two ledgers with one id, of which one was restored from a backup
    /// and written to since, agree about a generation exactly when its marks are equal.
    pub mark: i64,
}
