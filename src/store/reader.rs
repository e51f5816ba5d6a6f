//! One consistent view of a store: index, changes since, and ledger, all of one generation.

use super::open::Store;
use crate::address::{Key, Policy};
use crate::catch_up;
use crate::error::{Error, Result};
use crate::index::{Index, KeyHasher, Overlay, Pattern, Position, Present, Snapshot};
use crate::ledger::{Cursor, Ledger, View};
use crate::record::{Query, ReasonSet, Timestamp};
use crate::storage::Access;
use std::ops::ControlFlow;

/// How many changes a reader takes into memory; more are compiled into a segment first.
const OVERLAY_CHANGES_MAX: u64 = 65_536;

/// How often a reader that finds more lets them be compiled and looks again.
const ATTEMPTS_MAX: u32 = 3;

/// One consistent view of a store.
pub struct Reader<'a> {
    view: Box<dyn View + 'a>,
    snapshot: Snapshot,
    hasher: &'a KeyHasher,
    policy: Policy,
    present: Present,
}

impl Store {
    /// Opens a view that holds everything acknowledged so far.
    ///
    /// # Errors
    ///
    /// Untrusted when the index is missing, damaged, foreign, from a newer version or ahead of the
    /// ledger.
    pub fn reader(&self, access: Access, now: Timestamp) -> Result<Reader<'_>> {
        for _ in 0..ATTEMPTS_MAX {
            // The index first: what it holds, the view holds too.
            let index = Index::open(self.directory()?, self.identity.clone(), access)?;
            let view = self.ledger.view()?;
            let position = view.position();
            let cursor = Cursor::from_u64(index.cursor());
            check_past(&*view, index.position())?;
            let held = index.snapshot(Overlay::default(), index.position());
            if view.change_count_after(cursor, OVERLAY_CHANGES_MAX + 1)? <= OVERLAY_CHANGES_MAX
                && let Some(overlay) = catch_up::overlay(&*view, cursor, &self.hasher, &held)?
            {
                let snapshot = index.snapshot(overlay, super::at(position));
                return Ok(Reader::new(view, snapshot, &self.hasher, self.policy));
            }
            drop(view);
            self.catch_up(now)?;
        }
        Err(Error::untrusted("the index can't keep up with the ledger's changes")
            .with_hint("wait for the running imports to end, then run `quell compile`"))
    }
}

/// Fails unless the index is of the ledger's own past: a ledger restored from a backup has forgotten what
/// the index knows, and once it is written to again, its positions mean something else.
pub(super) fn check_past(view: &dyn View, index: Position) -> Result<()> {
    let ledger = view.position().cursor.as_u64();
    if index.cursor <= ledger && view.mark_of(index.generation)? == Some(index.mark) {
        return Ok(());
    }
    let message = format!(
        "the index is of another past of its ledger: generation {}, cursor {}, the ledger's cursor is \
         {ledger}",
        index.generation, index.cursor
    );
    Err(Error::untrusted(message)
        .with_hint("was the ledger restored from a backup? run `quell compile --full`"))
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        view: Box<dyn View + 'a>,
        snapshot: Snapshot,
        hasher: &'a KeyHasher,
        policy: Policy,
    ) -> Self {
        let present = Present::of(&snapshot, hasher);
        Self { view, snapshot, hasher, policy, present }
    }
}

impl Reader<'_> {
    /// Says whether ledger and index are of one generation: always, but for a service while a large import is under
    /// way. Then the ledger is ahead of the index, and what it says is the newer truth.
    #[must_use]
    pub fn is_of_one_generation(&self) -> bool {
        self.view.position().generation == self.snapshot.generation()
    }

    /// The ledger's side.
    #[must_use]
    pub fn view(&self) -> &dyn View {
        &*self.view
    }

    /// The index's side.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// How addresses become keys here.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// What makes hashes of keys here.
    #[must_use]
    pub fn hasher(&self) -> &KeyHasher {
        self.hasher
    }

    /// What the index holds besides addresses, contacts and lists.
    #[must_use]
    pub fn present(&self) -> Present {
        self.present
    }

    /// What the index says withholds a send to the address written as `raw`, whose key is `key`, and to
    /// `contact` if one is named.
    #[must_use]
    pub fn reasons(
        &self,
        raw: &[u8],
        key: Key<'_>,
        contact: Option<&str>,
        query: &Query<'_>,
    ) -> ReasonSet {
        let outside = self.outside_reasons(raw, key, query);
        let get = |hash| self.snapshot.get(hash, query.now).reasons(query.class);
        let key = key.as_bytes();
        let lists = query.lists.iter().map(|list| get(self.hasher.list(list.as_bytes(), key)));
        let contact = contact.map(|id| get(self.hasher.contact(id.as_bytes()))).unwrap_or_default();
        let own = get(self.hasher.address(key)).union(contact).union(outside);
        lists.fold(own, ReasonSet::union)
    }

    /// The keys with records that match `pattern` (`*` is any text), in order.
    ///
    /// # Errors
    ///
    /// As index and ledger say.
    pub fn search(&self, pattern: &str) -> Result<Vec<Vec<u8>>> {
        self.search_first(pattern, usize::MAX)
    }

    /// The first `limit` keys of [`Reader::search`].
    ///
    /// Cost: the keys from the pattern's text before its first `*` on, up to the last one found.
    ///
    /// # Errors
    ///
    /// As index and ledger say.
    pub fn search_first(&self, pattern: &str, limit: usize) -> Result<Vec<Vec<u8>>> {
        let pattern = self.pattern(pattern);
        if !self.snapshot.has_dictionary() {
            return self.view.keys_like(&pattern, limit);
        }
        let mut keys = Vec::new();
        let _ = self.snapshot.search(&Pattern::new(&pattern), |key, _| {
            if keys.len() == limit {
                return ControlFlow::Break(());
            }
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }

    /// A pattern as keys are written: an address is normalised; with a `*` in the local part, the domain
    /// is, and the rest lower-cased.
    pub(super) fn pattern(&self, pattern: &str) -> Vec<u8> {
        let pattern = pattern.trim();
        let mut buffer = crate::address::KeyBuffer::default();
        let mut key_of = |address: &str| {
            self.policy.key(address.as_bytes(), &mut buffer).ok().map(|key| key.as_str().to_owned())
        };
        let normalised = match pattern.rsplit_once('@') {
            _ if !pattern.contains('*') => key_of(pattern),
            Some((local, domain)) if !domain.contains('*') => key_of(&format!("x@{domain}"))
                .map(|key| format!("{}{}", local.to_lowercase(), key.trim_start_matches('x'))),
            _ => None,
        };
        normalised.unwrap_or_else(|| pattern.to_lowercase()).into_bytes()
    }

    /// Since when an address is erased; none for one that is not, and for a text that is no address, as a pattern is.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn erased_since(&self, address: &str) -> Result<Option<Timestamp>> {
        let mut buffer = crate::address::KeyBuffer::default();
        let Ok(key) = self.policy.key(address.as_bytes(), &mut buffer) else { return Ok(None) };
        self.view.erased_since(key.as_bytes())
    }

    /// Says whether any record names `list`.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn knows_list(&self, list: &str) -> Result<bool> {
        self.view.knows_list(list)
    }

    /// Lets go of the ledger and keeps what answers.
    #[must_use]
    pub fn into_answers(self) -> (Snapshot, KeyHasher, Policy) {
        (self.snapshot, self.hasher.clone(), self.policy)
    }
}
