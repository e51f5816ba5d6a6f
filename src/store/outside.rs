//! What covers an address from outside, asked of the index and of the ledger.

use super::reader::Reader;
use crate::address::digest::Forms;
use crate::address::{Key, Policy};
use crate::error::Result;
use crate::index::{KeyHasher, Present, Snapshot};
use crate::ledger::{Record, StoredRecord, View};
use crate::record::domain_rule::{covering, domain_in_keys};
use crate::record::{Algorithm, DigestBlocks, DigestValue, Outside, Query, Reason, ReasonSet};

/// What the ledger has that covers the address written as `raw`, whose key has the domain `domain`.
///
/// Cost: a look-up a label of the domain, and for each algorithm that there are digests of, one a
/// [form](Forms) of the address.
///
/// # Errors
///
/// As the ledger says.
pub fn outside(view: &dyn View, raw: &[u8], domain: &[u8]) -> Result<Outside> {
    let mut outside = Outside::default();
    let digests = digests_of(view, raw)?;
    let digests = digests.into_iter().flat_map(|(_, records)| records);
    for stored in view.rules_covering(domain)?.into_iter().chain(digests) {
        match stored.record {
            Record::Domain(rule) => outside.rules.push(rule),
            Record::Digest(digest) => outside.digests.push(digest),
            _ => {}
        }
    }
    Ok(outside)
}

/// [`outside`] as it was at a generation.
///
/// Cost: the records and events of each domain above `domain`, and of each digest of each form of the address.
///
/// # Errors
///
/// As the ledger says.
pub fn outside_at(view: &dyn View, generation: u64, raw: &[u8], domain: &[u8]) -> Result<Outside> {
    let mut outside = Outside::default();
    for parent in covering(domain) {
        if let Some(stored) = view.rule_at(parent, generation)?
            && let Record::Domain(rule) = stored.record
            && rule.covers(domain)
        {
            outside.rules.push(rule);
        }
    }
    let forms = Forms::of(raw);
    for algorithm in Algorithm::ALL {
        for form in forms.iter() {
            for stored in view.digests_at(&algorithm.digest(form), generation)? {
                if let Record::Digest(digest) = stored.record {
                    outside.digests.push(digest);
                }
            }
        }
    }
    Ok(outside)
}

/// The digests of the forms of `raw` that the ledger has, with their records.
fn digests_of(view: &dyn View, raw: &[u8]) -> Result<Vec<(DigestValue, Vec<StoredRecord>)>> {
    let mut found = Vec::new();
    let forms = Forms::of(raw);
    for algorithm in Algorithm::ALL {
        if !view.has_digests(algorithm)? {
            continue;
        }
        for form in forms.iter() {
            let digest = algorithm.digest(form);
            let records = view.digests_of(&digest)?;
            if !records.is_empty() {
                found.push((digest, records));
            }
        }
    }
    Ok(found)
}

/// The index's side of [`outside`], in a snapshot that holds `present`; without a `key` of a cell that holds no address.
///
/// Cost: nothing without rules and digests; else a look-up a label of the domain, and for each algorithm one a
/// [form](Forms) of the address.
#[must_use]
pub fn outside_in_index(
    snapshot: &Snapshot,
    hasher: &KeyHasher,
    present: Present,
    raw: &[u8],
    key: Option<Key<'_>>,
    query: &Query<'_>,
) -> ReasonSet {
    let mut reasons = ReasonSet::NONE;
    if Reason::Domain.withholds(query.class)
        && present.domain_rules
        && key.is_some_and(|key| snapshot.covers_domain(hasher, key.domain()))
    {
        reasons.insert(Reason::Domain);
    }
    if !present.holds_digests() {
        return reasons;
    }
    let bits = |hash| DigestBlocks::from_bits(snapshot.get(hash, query.now).to_bits());
    let forms = Forms::of(raw);
    for algorithm in present.algorithms() {
        let withheld = forms.iter().any(|form| {
            let digest = algorithm.digest(form);
            let digest = digest.as_bytes();
            let blocks = bits(hasher.digest(algorithm, digest));
            let on_list = |list: &String| {
                let hash = hasher.digest_on_list(list.as_bytes(), algorithm, digest);
                bits(hash).withholds(query.class)
            };
            blocks.withholds(query.class)
                || blocks.contains(DigestBlocks::HAS_LISTS) && query.lists.iter().any(on_list)
        });
        if withheld {
            reasons.insert(Reason::Digest);
        }
    }
    reasons
}

impl Reader<'_> {
    /// The ledger's side of [`Reader::reasons`], as far as it comes from outside of the address.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn outside(&self, raw: &[u8], key: Key<'_>) -> Result<Outside> {
        outside(self.view(), raw, key.domain())
    }

    /// What the ledger has of a cell that holds no address: a hashed list may have digested it all the same.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn outside_of_cell(&self, raw: &[u8]) -> Result<Outside> {
        outside(self.view(), raw, b"")
    }

    /// What the index says that covers an address from outside.
    pub(super) fn outside_reasons(&self, raw: &[u8], key: Key<'_>, query: &Query<'_>) -> ReasonSet {
        let (snapshot, hasher) = (self.snapshot(), self.hasher());
        outside_in_index(snapshot, hasher, self.present(), raw, Some(key), query)
    }

    /// The domain rules and digests that a search for `pattern` is about, each with its name: `@example.com`,
    /// `md5:55502f…`.
    ///
    /// A pattern whose domain has no `*` (`*@example.com`, `ann@example.com`, `@example.com`) finds every rule
    /// that covers that domain. Any other finds the rules it matches, a rule being written as its domain with
    /// an `@` before it: so `*` finds all, and `ann*` none. An address without a `*` also finds the digests
    /// of its forms.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn search_outside(&self, pattern: &str) -> Result<Vec<(String, Vec<StoredRecord>)>> {
        let view = self.view();
        let rules = match pattern.trim().rsplit_once('@') {
            Some((_, domain)) if !domain.contains('*') => {
                let domain = domain_in_pattern(domain, self.policy());
                view.rules_covering(domain.as_bytes())?
            }
            _ => view.rules_like(&self.pattern(pattern))?,
        };
        let mut found = named_rules(rules);
        if !pattern.contains('*') {
            found.extend(named_digests(view, pattern)?);
        }
        Ok(found)
    }

    /// The domain rules and digests that cover the address written as `raw`, whose key is `key`, each with its name, as
    /// [`Reader::search_outside`] has it.
    ///
    /// # Errors
    ///
    /// As the ledger says.
    pub fn outside_records(
        &self,
        raw: &str,
        key: Key<'_>,
    ) -> Result<Vec<(String, Vec<StoredRecord>)>> {
        let mut found = named_rules(self.view().rules_covering(key.domain())?);
        found.extend(named_digests(self.view(), raw)?);
        Ok(found)
    }
}

fn named_rules(rules: Vec<StoredRecord>) -> Vec<(String, Vec<StoredRecord>)> {
    let mut found = Vec::new();
    for stored in rules {
        if let Record::Domain(rule) = &stored.record {
            found.push((format!("@{}", rule.domain), vec![stored]));
        }
    }
    found
}

fn named_digests(view: &dyn View, raw: &str) -> Result<Vec<(String, Vec<StoredRecord>)>> {
    let found = digests_of(view, raw.as_bytes())?.into_iter();
    Ok(found.map(|(digest, records)| (digest.name(), records)).collect())
}

/// The domain of a pattern as in a key, or what was written if it is none.
fn domain_in_pattern(domain: &str, policy: Policy) -> String {
    domain_in_keys(domain, policy).unwrap_or_else(|_| domain.to_lowercase())
}
