//! What a link does: opt-outs recorded, and what its holder may see of what is recorded.

use super::Link;
use crate::error::Result;
use crate::ledger::{Ledger, View};
use crate::record::{Class, RecordClass, Timestamp, Unsubscribe, UnsubscribeState};
use crate::store::Store;
use std::collections::BTreeMap;

/// One opt-out that came by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    /// Whose, and of what.
    pub link: Link,
    /// Where it came from: `one-click`, say.
    pub source: &'static str,
}

/// Records opt-outs, all in one transaction; gives the generation that holds them. Durable when this returns, and in no
/// answer yet: bring those up afterwards. An opt-out that is recorded already changes nothing.
///
/// # Errors
///
/// Untrusted, with nothing recorded, when the ledger can't be changed.
pub fn opt_out(store: &Store, all: &[OptOut], now: Timestamp) -> Result<u64> {
    let records: Vec<Unsubscribe> = all.iter().map(|one| one.record(now)).collect();
    let keys = all.iter().map(|one| one.link.key.as_bytes());
    let changes: Vec<(&[u8], &Unsubscribe)> = keys.zip(&records).collect();
    Ok(store.ledger_to_change()?.unsubscribe_all(&changes, now, None)?.generation)
}

impl OptOut {
    fn record(&self, now: Timestamp) -> Unsubscribe {
        Unsubscribe {
            address: self.link.key.clone(),
            list: self.link.list.clone(),
            state: UnsubscribeState::Active,
            class: self.link.class,
            at: Some(now),
            source: Some(self.source.to_owned()),
        }
    }
}

/// What the holder of a link sees of what is recorded of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Whether the address opted out of everything that is sent in bulk.
    pub is_out: bool,
    /// The link's list and those that records of the address name, in order, and whether each is left.
    pub lists: Vec<(String, bool)>,
}

/// What the holder of `link` sees.
///
/// # Errors
///
/// As the ledger says.
pub fn preferences(view: &dyn View, link: &Link) -> Result<Preferences> {
    let state = view.state_of(link.key.as_bytes())?;
    let is_out =
        state.unsubscribes.iter().any(|one| one.list.is_none() && one.class.covers(Class::Bulk));
    let named = state.unsubscribes.iter().filter_map(|record| record.list.as_deref());
    let named = named.chain(state.preferences.iter().map(|record| record.list.as_str()));
    let left = state.opted_out_lists();
    let lists: BTreeMap<&str, bool> =
        named.chain(link.list.as_deref()).map(|list| (list, left.contains(list))).collect();
    let lists = lists.into_iter().map(|(list, is_left)| (list.to_owned(), is_left)).collect();
    Ok(Preferences { is_out, lists })
}

/// What a holder chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// What the link itself says.
    This,
    /// Everything.
    All,
    /// One list.
    List(String),
}

impl Leave {
    /// Reads `this`, `all` or `list:NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "this" => Some(Self::This),
            "all" => Some(Self::All),
            _ => text
                .strip_prefix("list:")
                .filter(|list| !list.is_empty())
                .map(|list| Self::List(list.to_owned())),
        }
    }

    /// The opt-out that the holder of `link` chose. Whoever chooses among lists is asked about what is sent in bulk, so
    /// that counts whatever kind of mail the link came by.
    #[must_use]
    pub fn of(self, link: Link) -> OptOut {
        let class = link.class.union(RecordClass::Bulk);
        let (list, class, source) = match self {
            Self::This => (link.list, link.class, "unsubscribe-page"),
            Self::All => (None, class, "preference-page"),
            Self::List(list) => (Some(list), class, "preference-page"),
        };
        OptOut { link: Link { list, class, key: link.key }, source }
    }
}
