//! A model of docs/sync.md, as slow as its words.

use super::*;
use std::collections::BTreeMap;

pub(super) const KEYS: [&str; 3] = ["a@example.com", "b@example.com", "c@x.test"];
pub(super) const LISTS: [Option<&str>; 2] = [None, Some("news")];
pub(super) const SOURCES: [&str; 2] = ["crm", "shop"];
/// Contacts and the address that each has for good.
pub(super) const CONTACTS: [(&str, usize); 4] = [("c1", 0), ("c2", 0), ("c3", 1), ("c4", 2)];

/// A row, in the few shapes that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// Key, list, upper-case spelling, inactive, every class.
    Unsubscribe(usize, Option<&'static str>, bool, bool, bool),
    /// Key, out.
    Preference(usize, bool),
    /// Key, reason, end.
    Suppression(usize, SuppressionReason, Option<i64>),
    /// Which contact, what is said of its flags.
    Contact(usize, Option<bool>, Option<bool>),
}

impl Row {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Unsubscribe(..) => Kind::Unsubscribes,
            Self::Preference(..) => Kind::Preferences,
            Self::Suppression(..) => Kind::Suppressions,
            Self::Contact(..) => Kind::Contacts,
        }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Unsubscribe(key, ..) | Self::Preference(key, _) | Self::Suppression(key, ..) => {
                KEYS[key]
            }
            Self::Contact(which, ..) => KEYS[CONTACTS[which].1],
        }
    }

    pub(super) fn record(self) -> NativeRecord {
        let flag = |denied: Option<bool>| {
            denied.map(|denied| if denied { Flag::DoNotAllow } else { Flag::Allow })
        };
        match self {
            Self::Unsubscribe(key, list, upper, inactive, all) => {
                let address = if upper { KEYS[key].to_uppercase() } else { KEYS[key].to_owned() };
                NativeRecord::Unsubscribe(Unsubscribe {
                    source: None,
                    state: if inactive {
                        UnsubscribeState::Inactive
                    } else {
                        UnsubscribeState::Active
                    },
                    class: if all { RecordClass::All } else { RecordClass::Bulk },
                    ..unsubscribe(&address, list)
                })
            }
            Self::Preference(key, out) => {
                preference(KEYS[key], "news", if out { Choice::Out } else { Choice::In })
            }
            Self::Suppression(key, reason, end) => NativeRecord::Suppression(Suppression {
                address: KEYS[key].into(),
                reason,
                class: RecordClass::All,
                at: None,
                expires_at: end.map(at),
                source: None,
            }),
            Self::Contact(which, bulk, email) => {
                contact(CONTACTS[which].0, self.key(), flag(bulk), flag(email))
            }
        }
    }

    /// What tells it from other records of its kind, and how much of a block it is: bits that it sets, none of which
    /// is weaker than another, or the time at which it ends.
    pub(super) fn identity(self) -> String {
        match self {
            Self::Unsubscribe(key, list, _, _, all) => format!("u {key} {list:?} {all}"),
            Self::Preference(key, _) => format!("p {key}"),
            Self::Suppression(key, reason, _) => format!("s {key} {reason:?}"),
            Self::Contact(which, ..) => format!("c {which}"),
        }
    }

    fn says(self) -> Says {
        match self {
            Self::Unsubscribe(..) => Says { block: 1, ..Says::default() },
            Self::Preference(_, out) => Says { block: i64::from(out), ..Says::default() },
            Self::Suppression(_, _, end) => {
                Says { block: end.unwrap_or(i64::MAX), ..Says::default() }
            }
            Self::Contact(_, bulk, email) => Says { block: 0, bulk, email },
        }
    }
}

/// How much rows of one identity withhold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Says {
    pub(super) block: i64,
    pub(super) bulk: Option<bool>,
    pub(super) email: Option<bool>,
}

impl Says {
    fn with(self, other: Self) -> Self {
        let flag = |one: Option<bool>, other: Option<bool>| match (one, other) {
            (None, said) | (said, None) => said,
            (Some(one), Some(other)) => Some(one || other),
        };
        Self {
            block: self.block.max(other.block),
            bulk: flag(self.bulk, other.bulk),
            email: flag(self.email, other.email),
        }
    }
}

/// The records of one identity: variants (spelling and state) with their sources, and what they withhold.
#[derive(Debug, Clone, Default)]
struct Held {
    variants: BTreeMap<(bool, bool), Option<&'static str>>,
    key: usize,
    says: Says,
    row: Option<Row>,
}

fn owned_by(owned: &[String], identity: &str) -> bool {
    owned.iter().any(|one| one == identity)
}

#[derive(Default)]
pub(super) struct Model {
    records: BTreeMap<String, Held>,
    /// By whom, '' for nobody, and how much.
    claims: BTreeMap<(String, &'static str), Says>,
    synced: std::collections::BTreeSet<(Kind, &'static str)>,
}

impl Model {
    pub(super) fn import(&mut self, row: Row, source: Option<&'static str>) {
        let held = self.records.entry(row.identity()).or_default();
        let variant = match row {
            Row::Unsubscribe(_, _, upper, inactive, _) => (upper, inactive),
            _ => (false, false),
        };
        let is_new = held.variants.is_empty();
        let before = held.says;
        held.says = if is_new { row.says() } else { before.with(row.says()) };
        if !matches!(row, Row::Contact(..)) {
            held.says = Says { bulk: None, email: None, ..held.says };
        } else {
            let denied = |said: Option<bool>| Some(said == Some(true));
            let (bulk, email) = (denied(held.says.bulk), denied(held.says.email));
            held.says = Says { bulk, email, ..held.says };
        }
        let owner = held.variants.entry(variant).or_insert(source);
        // A preference that turns to Out is the row's by now.
        if matches!(row, Row::Preference(_, true)) && !is_new && before.block == 0 {
            *owner = source;
        }
        held.key = KEYS.iter().position(|key| *key == row.key()).unwrap();
        held.row.get_or_insert(row);
    }

    /// A statement by an import or a single unsubscribe, on a record of a synced source.
    pub(super) fn remember(&mut self, row: Row, source: &'static str) {
        let identity = row.identity();
        let variant = match row {
            Row::Unsubscribe(_, _, upper, inactive, _) => (upper, inactive),
            _ => (false, false),
        };
        let owner = self.records.get(&identity).and_then(|held| held.variants.get(&variant));
        let Some(Some(owner)) = owner else { return };
        let is_synced = self.synced.contains(&(row.kind(), owner));
        let is_idle = matches!(row, Row::Preference(_, false));
        if is_synced && *owner != source && !is_idle {
            let says = self.claims.entry((identity, source)).or_insert_with(|| row.says());
            *says = says.with(row.says());
        }
    }

    fn any_unsubscribe(&self, key: usize, list: Option<&str>) -> bool {
        self.records.values().any(|held| {
            matches!(held.row, Some(Row::Unsubscribe(of, name, ..)) if of == key && name == list)
        })
    }

    fn allow_contacts(&mut self, key: usize, but: Option<&str>) {
        for (identity, held) in &mut self.records {
            let is_contact = matches!(held.row, Some(Row::Contact(..))) && held.key == key;
            let owner = held.variants.values().next().copied().flatten();
            if is_contact && (but.is_none() || owner.is_none() || owner == but) {
                let is_other = |by: &str| !by.is_empty() && but.is_some_and(|but| but != by);
                let claims = self.claims.iter();
                let of = claims.filter(|((of, by), _)| of == identity && is_other(by));
                let others = of.fold(Says::default(), |all, (_, says)| all.with(*says));
                let keeps = |was: Option<bool>, others: Option<bool>| {
                    Some(was == Some(true) && others == Some(true))
                };
                let bulk = keeps(held.says.bulk, others.bulk);
                held.says = Says { bulk, email: keeps(held.says.email, others.email), ..held.says };
            }
        }
    }

    /// What docs/sync.md says.
    pub(super) fn sync(&mut self, kind: Kind, source: &'static str, rows: &[Row]) {
        let mut file: BTreeMap<String, (Says, Vec<Row>)> = BTreeMap::new();
        for row in rows {
            let entry = file.entry(row.identity()).or_insert_with(|| (row.says(), Vec::new()));
            *entry = (entry.0.with(row.says()), [&entry.1[..], &[*row]].concat());
        }
        let before: Vec<(String, Held)> = self
            .records
            .iter()
            .filter(|(_, held)| held.row.is_some_and(|row| row.kind() == kind))
            .map(|(identity, held)| (identity.clone(), held.clone()))
            .collect();
        let owned: Vec<String> = self
            .owned_by(source)
            .into_iter()
            .filter(|identity| before.iter().any(|(known, _)| known == identity))
            .collect();
        // Taken over, unless the file says less.
        for (identity, held) in &before {
            let Some((says, _)) = file.get(identity) else { continue };
            let denies_less =
                |held: Option<bool>, said: Option<bool>| held == Some(true) && said == Some(false);
            let is_less = says.block < held.says.block
                || denies_less(held.says.bulk, says.bulk)
                || denies_less(held.says.email, says.email);
            if !is_less {
                for owner in self.records.get_mut(identity).unwrap().variants.values_mut() {
                    owner.get_or_insert(source);
                }
            }
        }
        for row in rows {
            self.import(*row, Some(source));
        }
        let owned_or_added = self.owned_by(source);
        for identity in owned {
            self.follow(&identity, source, file.get(&identity).map(|(says, _)| *says));
        }
        self.claim(kind, source, file, &owned_or_added);
        self.synced.insert((kind, source));
    }

    /// The identities of which the source owns something.
    fn owned_by(&self, source: &'static str) -> Vec<String> {
        let is_owned = |held: &Held| held.variants.values().any(|owner| *owner == Some(source));
        let owned = self.records.iter().filter(|(_, held)| is_owned(held));
        owned.map(|(identity, _)| identity.clone()).collect()
    }

    /// Claims: what the file names and is another's.
    fn claim(
        &mut self,
        kind: Kind,
        source: &'static str,
        file: BTreeMap<String, (Says, Vec<Row>)>,
        owned_or_added: &[String],
    ) {
        for claim in self.claims.keys().cloned().collect::<Vec<_>>() {
            let of_kind = claim.0.starts_with(&kind.as_str()[..1]);
            if claim.1 == source && of_kind && !file.contains_key(&claim.0) {
                self.claims.remove(&claim);
            }
        }
        for (identity, (says, _)) in file {
            let claim = (identity.clone(), source);
            let held = self.records.get(&identity);
            let owners: Vec<_> = held.iter().flat_map(|held| held.variants.values()).collect();
            let is_others = !owners.iter().any(|owner| **owner == Some(source))
                && owners.iter().any(|owner| owner.is_some());
            let withholds = kind != Kind::Preferences || says.block > 0;
            if is_others && withholds {
                self.claims.insert(claim, says);
                continue;
            }
            self.claims.remove(&claim);
            // What nobody claims is taken over with the record, unless the file says less.
            let nobodys = (identity, "");
            let was_mine = owned_by(owned_or_added, &nobodys.0);
            let is_less = |claimed: &Says| {
                let denies_less = |claimed, said| claimed == Some(true) && said != Some(true);
                says.block < claimed.block
                    || denies_less(claimed.bulk, says.bulk)
                    || denies_less(claimed.email, says.email)
            };
            if was_mine && self.claims.get(&nobodys).is_some_and(|claimed| !is_less(claimed)) {
                self.claims.remove(&nobodys);
            }
        }
    }

    /// What becomes of an identity that the source owned: `said` is what its file says of it.
    fn follow(&mut self, identity: &str, source: &'static str, said: Option<Says>) {
        let others: Vec<(&'static str, Says)> = self
            .claims
            .iter()
            .filter(|((of, by), _)| of == identity && *by != source)
            .map(|((_, by), says)| (*by, *says))
            .collect();
        let held = self.records.get_mut(identity).unwrap();
        let row = held.row.unwrap();
        let is_complaint = matches!(row, Row::Suppression(_, SuppressionReason::Complaint, _));
        let Some(said) = said else {
            if is_complaint {
                return;
            }
            if let Some((claimant, _)) = others.last() {
                let by = Some(*claimant).filter(|claimant| !claimant.is_empty());
                for owner in held.variants.values_mut().filter(|owner| **owner == Some(source)) {
                    *owner = by;
                }
                self.claims.remove(&(identity.to_owned(), *claimant));
                return;
            }
            held.variants.retain(|_, owner| *owner != Some(source));
            self.claims.retain(|(of, _), _| of != identity);
            if held.variants.is_empty() {
                self.records.remove(identity);
            }
            if let Row::Unsubscribe(key, list, ..) = row
                && !self.any_unsubscribe(key, list)
            {
                if list.is_none() {
                    self.allow_contacts(key, Some(source));
                } else if let Some(held) = self.records.get(&Row::Preference(key, true).identity())
                    && held.says.block == 1
                    && held.variants.values().all(|owner| owner.is_none_or(|owner| owner == source))
                {
                    let identity = Row::Preference(key, true).identity();
                    let is_others = |(of, by): &(String, &'static str)| {
                        *of == identity && !by.is_empty() && *by != source
                    };
                    if !self.claims.keys().any(is_others) {
                        self.records.remove(&identity);
                        self.claims.retain(|(of, _), _| *of != identity);
                    }
                }
            }
            return;
        };
        let together = others.iter().fold(said, |all, (_, says)| all.with(*says));
        match row {
            Row::Preference(..) => held.says.block = together.block,
            Row::Suppression(..) if !is_complaint => held.says.block = together.block,
            Row::Contact(..) => {
                let lifts = |said, together| said == Some(false) && together != Some(true);
                let bulk = lifts(said.bulk, together.bulk);
                let email = lifts(said.email, together.email);
                let key = held.key;
                let keeps_bulk = self.any_unsubscribe(key, None);
                let held = self.records.get_mut(identity).unwrap();
                if bulk && !keeps_bulk {
                    held.says.bulk = Some(false);
                }
                if email {
                    held.says.email = Some(false);
                }
            }
            _ => {}
        }
    }

    pub(super) fn unsubscribe(&mut self, key: usize) {
        let row = Row::Unsubscribe(key, None, false, false, false);
        self.import(row, Some("form"));
        self.remember(row, "form");
        for held in self.records.values_mut() {
            if matches!(held.row, Some(Row::Contact(..))) && held.key == key {
                held.says.bulk = Some(true);
            }
        }
    }

    pub(super) fn resubscribe(&mut self, key: usize) {
        let goes =
            |held: &Held| matches!(held.row, Some(Row::Unsubscribe(of, None, ..)) if of == key);
        let records = &self.records;
        self.claims.retain(|(of, _), _| !records.get(of).is_some_and(goes));
        self.records.retain(|_, held| !goes(held));
        self.allow_contacts(key, None);
    }

    /// Everything, in words.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (identity, held) in &self.records {
            for (variant, owner) in &held.variants {
                let owner = if identity.starts_with('c') { &None } else { owner };
                let Says { block, bulk, email } = held.says;
                told.push(format!("{identity} {variant:?} {owner:?} {block} {bulk:?} {email:?}"));
            }
        }
        told.sort();
        told
    }
}
