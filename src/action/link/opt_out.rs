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
    // What is sent in bulk, which everybody means, and what else the link is for: a mail of that kind brought it.
    let asked = [Class::Bulk, Class::Transactional];
    let asked = || asked.into_iter().filter(|class| asked_by(link).covers(*class));
    let everywhere = || state.unsubscribes.iter().filter(|one| one.list.is_none());
    let is_out = asked().all(|class| everywhere().any(|one| one.class.covers(class)));
    let named = state.unsubscribes.iter().filter_map(|record| record.list.as_deref());
    let named = named.chain(state.preferences.iter().map(|record| record.list.as_str()));
    // Opt-outs have no end, so any moment does.
    let of_list = |list: &str| state.list_entry(list).at(Timestamp::from_micros(0));
    let is_left = |list: &str| {
        let blocks = of_list(list);
        asked().all(|class| !blocks.reasons(class).is_empty())
    };
    let lists: BTreeMap<&str, bool> =
        named.chain(link.list.as_deref()).map(|list| (list, is_left(list))).collect();
    let lists = lists.into_iter().map(|(list, is_left)| (list.to_owned(), is_left)).collect();
    Ok(Preferences { is_out, lists })
}

/// What a holder of `link` means who says no more than that there should be no mail.
fn asked_by(link: &Link) -> RecordClass {
    link.class.union(RecordClass::Bulk)
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

    /// The opt-out that the holder of `link` chose. The pages speak of mail, not of its kinds, so what is sent in bulk
    /// is left whatever kind of mail the link came by.
    #[must_use]
    pub fn of(self, link: Link) -> OptOut {
        let class = asked_by(&link);
        let (list, source) = match self {
            Self::This => (link.list, "unsubscribe-page"),
            Self::All => (None, "preference-page"),
            Self::List(list) => (Some(list), "preference-page"),
        };
        OptOut { link: Link { list, class, key: link.key }, source }
    }
}
