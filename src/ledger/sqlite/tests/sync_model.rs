//! Any order of syncs, imports and single changes against a model that is as slow as the words of docs/sync.md.

use super::sync::{sync_as, wanted};
use super::*;
use crate::ledger::{Limit, SyncRequest, Synced};
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEYS: [&str; 3] = ["a@example.com", "b@example.com", "c@x.test"];
const LISTS: [Option<&str>; 2] = [None, Some("news")];
const SOURCES: [&str; 2] = ["crm", "shop"];
/// Contacts and the address that each has for good.
const CONTACTS: [(&str, usize); 4] = [("c1", 0), ("c2", 0), ("c3", 1), ("c4", 2)];

/// A row, in the few shapes that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
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
    fn kind(self) -> Kind {
        match self {
            Self::Unsubscribe(..) => Kind::Unsubscribes,
            Self::Preference(..) => Kind::Preferences,
            Self::Suppression(..) => Kind::Suppressions,
            Self::Contact(..) => Kind::Contacts,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Unsubscribe(key, ..) | Self::Preference(key, _) | Self::Suppression(key, ..) => {
                KEYS[key]
            }
            Self::Contact(which, ..) => KEYS[CONTACTS[which].1],
        }
    }

    fn record(self) -> NativeRecord {
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
    fn identity(self) -> String {
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
struct Says {
    block: i64,
    bulk: Option<bool>,
    email: Option<bool>,
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
struct Model {
    records: BTreeMap<String, Held>,
    /// By whom, '' for nobody, and how much.
    claims: BTreeMap<(String, &'static str), Says>,
    synced: std::collections::BTreeSet<(Kind, &'static str)>,
}

impl Model {
    fn import(&mut self, row: Row, source: Option<&'static str>) {
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
    fn remember(&mut self, row: Row, source: &'static str) {
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
    fn sync(&mut self, kind: Kind, source: &'static str, rows: &[Row]) {
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
        let owned: Vec<String> = before
            .iter()
            .filter(|(_, held)| held.variants.values().any(|owner| *owner == Some(source)))
            .map(|(identity, _)| identity.clone())
            .collect();
        for row in rows {
            self.import(*row, Some(source));
        }
        let owned_or_added: Vec<String> = self
            .records
            .iter()
            .filter(|(_, held)| held.variants.values().any(|owner| *owner == Some(source)))
            .map(|(identity, _)| identity.clone())
            .collect();
        for identity in owned {
            self.follow(&identity, source, file.get(&identity).map(|(says, _)| *says));
        }
        // Claims: what the file names and is another's.
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
            let was_mine = owned_by(&owned_or_added, &nobodys.0);
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
        self.synced.insert((kind, source));
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

    fn unsubscribe(&mut self, key: usize) {
        let row = Row::Unsubscribe(key, None, false, false, false);
        self.import(row, Some("form"));
        self.remember(row, "form");
        for held in self.records.values_mut() {
            if matches!(held.row, Some(Row::Contact(..))) && held.key == key {
                held.says.bulk = Some(true);
            }
        }
    }

    fn resubscribe(&mut self, key: usize) {
        let goes =
            |held: &Held| matches!(held.row, Some(Row::Unsubscribe(of, None, ..)) if of == key);
        let records = &self.records;
        self.claims.retain(|(of, _), _| !records.get(of).is_some_and(goes));
        self.records.retain(|_, held| !goes(held));
        self.allow_contacts(key, None);
    }

    /// Everything, in words.
    fn told(&self) -> Vec<String> {
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

/// Everything that the ledger has, in the model's words.
fn told(view: &dyn View) -> Vec<String> {
    let mut told = Vec::new();
    for (key, name) in KEYS.iter().enumerate() {
        let state = view.state_of(name.as_bytes()).unwrap();
        let mut tell =
            |identity: String, variant: (bool, bool), owner: &Option<String>, says: Says| {
                let Says { block, bulk, email } = says;
                told.push(format!("{identity} {variant:?} {owner:?} {block} {bulk:?} {email:?}"));
            };
        let plain = |block| Says { block, ..Says::default() };
        for record in state.unsubscribes {
            let list = LISTS.into_iter().find(|list| *list == record.list.as_deref()).unwrap();
            let variant = (record.address != *name, record.state == UnsubscribeState::Inactive);
            let row = Row::Unsubscribe(key, list, false, false, record.class == RecordClass::All);
            tell(row.identity(), variant, &record.source, plain(1));
        }
        for record in state.preferences {
            let block = i64::from(record.choice == Choice::Out);
            tell(
                Row::Preference(key, true).identity(),
                (false, false),
                &record.source,
                plain(block),
            );
        }
        for record in state.suppressions {
            let end = record.expires_at.map_or(i64::MAX, Timestamp::as_micros);
            let row = Row::Suppression(key, record.reason, None);
            tell(row.identity(), (false, false), &record.source, plain(end));
        }
        for record in state.contacts {
            assert!(!record.former);
            let which = CONTACTS.iter().position(|(id, _)| *id == record.contact_id).unwrap();
            let bulk = Some(record.bulk_email.is_denied());
            let email = Some(record.email_allowed.is_denied());
            let row = Row::Contact(which, None, None);
            tell(row.identity(), (false, false), &None, Says { block: 0, bulk, email });
        }
    }
    told.sort();
    told
}

#[derive(Debug, Clone)]
enum Step {
    Sync(Kind, &'static str, Vec<Row>),
    Import(Vec<Row>),
    Unsubscribe(usize),
    Resubscribe(usize),
}

fn row(kind: Kind) -> BoxedStrategy<Row> {
    let key = 0..KEYS.len();
    match kind {
        Kind::Unsubscribes => {
            let list = proptest::sample::select(&LISTS[..]);
            (key, list, any::<bool>(), any::<bool>(), proptest::bool::weighted(0.2))
                .prop_map(|(key, list, upper, inactive, all)| {
                    Row::Unsubscribe(key, list, upper, inactive, all)
                })
                .boxed()
        }
        Kind::Preferences => {
            (key, any::<bool>()).prop_map(|(key, out)| Row::Preference(key, out)).boxed()
        }
        Kind::Suppressions => {
            let reason = proptest::sample::select(&SuppressionReason::ALL[..2]);
            (key, reason, proptest::option::of(1_i64..4))
                .prop_map(|(key, reason, end)| Row::Suppression(key, reason, end))
                .boxed()
        }
        _ => {
            let flag = || proptest::option::of(any::<bool>());
            (0..CONTACTS.len(), flag(), flag())
                .prop_map(|(which, bulk, email)| Row::Contact(which, bulk, email))
                .boxed()
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let kind = proptest::sample::select(&Kind::OF_ADDRESSES[..]);
    let source = proptest::sample::select(&SOURCES[..]);
    prop_oneof![
        6 => (kind.clone(), source).prop_flat_map(|(kind, source)| {
            proptest::collection::vec(row(kind), 1..6)
                .prop_map(move |rows| Step::Sync(kind, source, rows))
        }),
        2 => kind.prop_flat_map(|kind| {
            proptest::collection::vec(row(kind), 0..4).prop_map(Step::Import)
        }),
        1 => (0..KEYS.len()).prop_map(Step::Unsubscribe),
        1 => (0..KEYS.len()).prop_map(Step::Resubscribe),
    ]
}

fn run_sync(ledger: &SqliteLedger, kind: Kind, source: &str, rows: &[Row], now: i64) -> Synced {
    let request = SyncRequest { limit: Limit::Count(99), ..wanted(source) };
    let rows: Vec<(&[u8], NativeRecord)> =
        rows.iter().map(|row| (row.key().as_bytes(), row.record())).collect();
    sync_as(ledger, kind, &request, &rows, now).0
}

fn play(ledger: &SqliteLedger, model: &mut Model, step: &Step, now: i64) {
    match step {
        Step::Sync(kind, source, rows) => {
            assert!(run_sync(ledger, *kind, source, rows, now).applied);
            model.sync(*kind, source, rows);
        }
        Step::Import(rows) => {
            let records: Vec<(&[u8], NativeRecord)> =
                rows.iter().map(|row| (row.key().as_bytes(), row.record())).collect();
            import(ledger, &records, now);
            for row in rows {
                model.import(*row, None);
                model.remember(*row, "");
            }
        }
        Step::Unsubscribe(key) => {
            let record = unsubscribe(KEYS[*key], None);
            ledger.unsubscribe(KEYS[*key].as_bytes(), &record, at(now), None).unwrap();
            model.unsubscribe(*key);
        }
        Step::Resubscribe(key) => {
            let key_bytes = KEYS[*key].as_bytes();
            ledger.resubscribe(key_bytes, KEYS[*key], &request(true, &[]), at(now)).unwrap();
            model.resubscribe(*key);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_synced_the_ledger_holds_what_the_model_holds(
        steps in proptest::collection::vec(step(), 1..14)
    ) {
        let ledger = ledger();
        let mut model = Model::default();
        for (step, now) in steps.iter().zip(1..) {
            let before = {
                let view = ledger.view().unwrap();
                (view.position(), KEYS.map(|key| view.state_of(key.as_bytes()).unwrap().address_entry()))
            };
            play(&ledger, &mut model, step, now);
            let view = ledger.view().unwrap();
            prop_assert_eq!(told(&*view), model.told(), "after {:?}", step);
            let named = feed(&*view, before.0.cursor).unwrap();
            for (key, entry) in KEYS.iter().zip(before.1) {
                let is_named = named.contains(&("address".to_owned(), key.as_bytes().to_vec()));
                let now = view.state_of(key.as_bytes()).unwrap().address_entry();
                prop_assert!(is_named || now == entry, "{key} changed in silence");
            }
            prop_assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
            let position = view.position();
            drop(view);
            if let Step::Sync(kind, source, rows) = step {
                let again = run_sync(&ledger, *kind, source, rows, now);
                prop_assert_eq!((again.removed, again.counts.added, again.adopted), (0, 0, 0));
                prop_assert_eq!(ledger.view().unwrap().position(), position, "the same file again");
                model.sync(*kind, source, rows);
            }
        }
    }
}
