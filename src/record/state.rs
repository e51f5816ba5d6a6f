//! Everything recorded about one key, and what follows from it.

use super::blocks::{Blocks, Expiry};
use super::class::{Class, RecordClass};
use super::contact::Contact;
use super::outside::Outside;
use super::preference::{Choice, Preference};
use super::reason::{Reason, ReasonSet};
use super::suppression::Suppression;
use super::timestamp::Timestamp;
use super::unsubscribe::Unsubscribe;
use std::collections::BTreeSet;
use std::fmt;

/// What a question is about besides the address: time, kind of send, lists.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The instant the answer is for.
    pub now: Timestamp,
    /// The kind of send.
    pub class: Class,
    /// The lists the mail is sent for.
    pub lists: &'a [String],
}

/// Where a reason holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// For one list.
    List(String),
    /// Through one contact.
    Contact(String),
    /// Through the rule of one domain.
    Domain(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::List(list) => write!(f, "list:{list}"),
            Self::Contact(id) => write!(f, "contact:{id}"),
            Self::Domain(domain) => write!(f, "domain:{domain}"),
        }
    }
}

/// One reason with the record behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The reason.
    pub reason: Reason,
    /// Where it holds.
    pub scope: Scope,
    /// The kinds of send the record blocks.
    pub class: RecordClass,
    /// Since when, if the record says so.
    pub since: Option<Timestamp>,
    /// Where the record comes from, if known.
    pub source: Option<String>,
}

/// Every record of one key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyState {
    /// Contacts that hold, or held, an address of this key.
    pub contacts: Vec<Contact>,
    /// Unsubscribe records, global and for lists.
    pub unsubscribes: Vec<Unsubscribe>,
    /// Preference records.
    pub preferences: Vec<Preference>,
    /// Suppressions.
    pub suppressions: Vec<Suppression>,
}

/// What an entry of the index is made of: bits that always count, and bits that count until an instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryState {
    /// The bits of the entry, [`Blocks::EXPIRING`] included when `expiries` is not empty.
    pub blocks: Blocks,
    /// Bits that count only until an instant.
    pub expiries: Vec<Expiry>,
}

impl Contact {
    /// What the contact's two flags withhold.
    #[must_use]
    pub fn blocks(&self) -> Blocks {
        let of =
            |denied: bool, reason| if denied { Blocks::of(reason, None) } else { Blocks::NONE };
        of(self.email_allowed.is_denied(), Reason::EmailDenied)
            .union(of(self.bulk_email.is_denied(), Reason::BulkEmailDenied))
    }

    /// The causes behind [`Contact::blocks`].
    pub fn causes(&self) -> impl Iterator<Item = Cause> + '_ {
        let both = [
            (Reason::EmailDenied, self.email_allowed, RecordClass::All),
            (Reason::BulkEmailDenied, self.bulk_email, RecordClass::Bulk),
        ];
        both.into_iter().filter(|(_, flag, _)| flag.is_denied()).map(|(reason, _, class)| Cause {
            reason,
            scope: Scope::Contact(self.contact_id.clone()),
            class,
            since: self.at,
            source: None,
        })
    }
}

impl Unsubscribe {
    /// The reason this record withholds for.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if self.list.is_some() { Reason::OptedOut } else { Reason::Unsubscribed }
    }
}

impl EntryState {
    /// Adds a record's bits, until `expires_at` if it has one.
    pub fn add(&mut self, blocks: Blocks, expires_at: Option<Timestamp>) {
        match expires_at {
            None => self.blocks = self.blocks.union(blocks),
            Some(at) => {
                self.blocks = self.blocks.union(Blocks::EXPIRING);
                self.expiries.push(Expiry { at, blocks });
            }
        }
    }

    /// What withholds mail at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Blocks {
        self.blocks.with_unexpired(&self.expiries, now)
    }
}

impl KeyState {
    /// Says whether nothing at all is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
            && self.unsubscribes.is_empty()
            && self.preferences.is_empty()
            && self.suppressions.is_empty()
    }

    /// The lists this key has an opt-out of.
    #[must_use]
    pub fn opted_out_lists(&self) -> BTreeSet<&str> {
        let unsubscribes = self.unsubscribes.iter().filter_map(|record| record.list.as_deref());
        let preferences = self.preferences.iter();
        let out = preferences.filter(|record| record.choice == Choice::Out);
        unsubscribes.chain(out.map(|record| record.list.as_str())).collect()
    }

    /// The entry of the address itself.
    #[must_use]
    pub fn address_entry(&self) -> EntryState {
        let mut entry = EntryState::default();
        for contact in &self.contacts {
            entry.add(contact.blocks(), None);
        }
        for record in self.unsubscribes.iter().filter(|record| record.list.is_none()) {
            entry.add(Blocks::of(Reason::Unsubscribed, Some(record.class)), None);
        }
        for record in &self.suppressions {
            let blocks = Blocks::of(record.reason.reason(), Some(record.class));
            entry.add(blocks, record.expires_at);
        }
        if !self.opted_out_lists().is_empty() {
            entry.add(Blocks::HAS_LISTS, None);
        }
        entry
    }

    /// The entry of (list, address).
    #[must_use]
    pub fn list_entry(&self, list: &str) -> EntryState {
        let mut entry = EntryState::default();
        for record in &self.unsubscribes {
            if record.list.as_deref() == Some(list) {
                entry.add(Blocks::of(Reason::OptedOut, Some(record.class)), None);
            }
        }
        for record in &self.preferences {
            if record.list == list && record.choice == Choice::Out {
                entry.add(Blocks::of(Reason::OptedOut, None), None);
            }
        }
        entry
    }

    /// The reasons that withhold a send to this key.
    #[must_use]
    pub fn reasons(&self, query: &Query<'_>) -> ReasonSet {
        let lists = query.lists.iter().map(|list| self.list_entry(list).at(query.now));
        lists.fold(self.address_entry().at(query.now), Blocks::union).reasons(query.class)
    }

    /// The records behind [`KeyState::reasons`], in the contract's order, one a reason and scope.
    #[must_use]
    pub fn causes(&self, query: &Query<'_>) -> Vec<Cause> {
        self.causes_with(&Outside::default(), query)
    }

    /// [`KeyState::causes`] and those of what covers the key from outside.
    #[must_use]
    pub fn causes_with(&self, outside: &Outside, query: &Query<'_>) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.contacts.iter().flat_map(Contact::causes).collect();
        causes.extend(self.unsubscribes.iter().map(|record| Cause {
            reason: record.reason(),
            scope: record.list.clone().map_or(Scope::Global, Scope::List),
            class: record.class,
            since: record.at,
            source: record.source.clone(),
        }));
        let out = self.preferences.iter().filter(|record| record.choice == Choice::Out);
        causes.extend(out.map(|record| Cause {
            reason: Reason::OptedOut,
            scope: Scope::List(record.list.clone()),
            class: RecordClass::Bulk,
            since: record.at,
            source: record.source.clone(),
        }));
        let counts = |record: &&Suppression| record.expires_at.is_none_or(|at| query.now < at);
        causes.extend(self.suppressions.iter().filter(counts).map(|record| Cause {
            reason: record.reason.reason(),
            scope: Scope::Global,
            class: record.class,
            since: record.at,
            source: record.source.clone(),
        }));
        causes.extend(outside.causes());
        causes.retain(|cause| {
            let asked = match &cause.scope {
                Scope::List(list) => query.lists.contains(list),
                Scope::Global | Scope::Contact(_) | Scope::Domain(_) => true,
            };
            asked && cause.class.covers(query.class)
        });
        // One a reason and scope: the oldest speaks for the others.
        causes.sort_by(|a, b| {
            let order = |cause: &Cause| (cause.reason, cause.scope.clone());
            let age = |cause: &Cause| (cause.since.is_none(), cause.since);
            order(a).cmp(&order(b)).then_with(|| age(a).cmp(&age(b)))
        });
        causes.dedup_by(|later, first| later.reason == first.reason && later.scope == first.scope);
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SuppressionReason, UnsubscribeState};

    fn now() -> Timestamp {
        Timestamp::from_micros(1_000)
    }

    fn unsubscribe(list: Option<&str>, state: UnsubscribeState) -> Unsubscribe {
        Unsubscribe {
            address: "ann@example.com".into(),
            list: list.map(str::to_owned),
            state,
            class: RecordClass::Bulk,
            at: None,
            source: None,
        }
    }

    fn query(class: Class, lists: &[String]) -> Query<'_> {
        Query { now: now(), class, lists }
    }

    #[test]
    fn an_inactive_unsubscribe_blocks_like_an_active_one() {
        let state = KeyState {
            unsubscribes: vec![unsubscribe(None, UnsubscribeState::Inactive)],
            ..KeyState::default()
        };
        assert_eq!(state.reasons(&query(Class::Bulk, &[])).first(), Some(Reason::Unsubscribed));
        assert!(state.reasons(&query(Class::Transactional, &[])).is_empty());
    }

    #[test]
    fn a_list_opt_out_never_blocks_another_list() {
        let state = KeyState {
            unsubscribes: vec![unsubscribe(Some("news"), UnsubscribeState::Active)],
            ..KeyState::default()
        };
        let reasons = |lists: &[&str]| {
            let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
            state.reasons(&query(Class::Bulk, &lists)).first()
        };
        assert_eq!(reasons(&["news"]), Some(Reason::OptedOut));
        assert_eq!(reasons(&["offers"]), None);
        assert_eq!(reasons(&["offers", "news"]), Some(Reason::OptedOut));
        assert_eq!(reasons(&[]), None);
    }

    #[test]
    fn causes_name_exactly_the_reasons() {
        let state = KeyState {
            unsubscribes: vec![
                unsubscribe(None, UnsubscribeState::Inactive),
                unsubscribe(None, UnsubscribeState::Active),
                unsubscribe(Some("news"), UnsubscribeState::Active),
            ],
            suppressions: vec![Suppression {
                address: "ann@example.com".into(),
                reason: SuppressionReason::Bounce,
                class: RecordClass::All,
                at: None,
                expires_at: Some(now()),
                source: None,
            }],
            ..KeyState::default()
        };
        let lists = ["news".to_owned()];
        let query = query(Class::Bulk, &lists);
        let causes: ReasonSet = state.causes(&query).iter().map(|cause| cause.reason).collect();
        assert_eq!(causes, state.reasons(&query));
        assert_eq!(state.causes(&query).len(), 2, "two records of one scope are one cause");
    }
}
