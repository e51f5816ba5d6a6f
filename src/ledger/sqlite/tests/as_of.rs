//! How it was: every state that ever was is told again, whatever happened since.

use super::sync::{sync_as, wanted};
use super::*;
use crate::ledger::{
    EraseRequest, EventKind, Limit, Pseudonym, Pseudonyms, Record, StoredRecord, SyncRequest,
};
use crate::record::{Algorithm, Contact, Digest, DigestValue, DomainRule, KeyState};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const KEYS: [&str; 3] = ["a@example.com", "b@example.com", "c@x.test"];
const LISTS: [&str; 2] = ["news", "offers"];
const IDS: [&str; 3] = ["c1", "c\"2", "ć3"];
const DOMAINS: [&str; 2] = ["example.com", "x.test"];

#[derive(Debug, Clone)]
enum Step {
    Unsubscribe(usize, Unsubscribe),
    Resubscribe(usize, ResubscribeRequest),
    Import(Vec<(usize, NativeRecord)>),
    Erase(usize),
    /// Of the rows, those of the kind.
    Sync(Kind, &'static str, Vec<(usize, NativeRecord)>),
}

/// As unlike the real ones as can be, and different all the same.
#[derive(Debug)]
struct Numbers;

impl Pseudonyms for Numbers {
    fn of_address(&self, key: &[u8]) -> Pseudonym {
        number(b'@', key)
    }

    fn of_contact(&self, contact_id: &str) -> Pseudonym {
        number(b'#', contact_id.as_bytes())
    }
}

fn number(first: u8, text: &[u8]) -> Pseudonym {
    let mut pseudonym = [first; 16];
    pseudonym[1..].iter_mut().zip(text).for_each(|(byte, text)| *byte = *text);
    pseudonym
}

fn digest(text: &str) -> DigestValue {
    Algorithm::Sha256.digest(text.as_bytes())
}

fn class() -> impl Strategy<Value = RecordClass> {
    proptest::sample::select(&[RecordClass::Bulk, RecordClass::Transactional, RecordClass::All][..])
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    prop_oneof![Just(None), (0_i64..4).prop_map(|micros| Some(at(micros * 700_001)))]
}

fn source() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(Just("crm, \"eu\"".to_owned()))
}

fn address() -> impl Strategy<Value = String> {
    proptest::sample::select(&["a@example.com", "A@Example.com"][..]).prop_map(str::to_owned)
}

fn a_list() -> impl Strategy<Value = String> {
    proptest::sample::select(&LISTS[..]).prop_map(str::to_owned)
}

fn an_unsubscribe() -> impl Strategy<Value = Unsubscribe> {
    let state =
        proptest::sample::select(&[UnsubscribeState::Active, UnsubscribeState::Inactive][..]);
    (address(), proptest::option::of(a_list()), state, class(), time(), source()).prop_map(
        |(address, list, state, class, at, source)| Unsubscribe {
            address,
            list,
            state,
            class,
            at,
            source,
        },
    )
}

fn a_contact() -> impl Strategy<Value = NativeRecord> {
    let flag =
        || proptest::option::of(proptest::sample::select(&[Flag::Allow, Flag::DoNotAllow][..]));
    let id = proptest::sample::select(&IDS[..]);
    (id, address(), flag(), flag(), time(), proptest::bool::weighted(0.2)).prop_map(
        |(id, address, bulk_email, email_allowed, at, former)| {
            let contact_id = id.to_owned();
            NativeRecord::Contact(ContactRow {
                contact_id,
                address,
                bulk_email,
                email_allowed,
                at,
                former,
            })
        },
    )
}

fn a_suppression() -> impl Strategy<Value = NativeRecord> {
    let reason = proptest::sample::select(&SuppressionReason::ALL[..]);
    (address(), reason, class(), time(), time(), source()).prop_map(
        |(address, reason, class, at, expires_at, source)| {
            let record = Suppression { address, reason, class, at, expires_at, source };
            NativeRecord::Suppression(record)
        },
    )
}

fn outside() -> impl Strategy<Value = NativeRecord> {
    let domain = proptest::sample::select(&DOMAINS[..]);
    let rule =
        (domain, any::<bool>(), time(), source()).prop_map(|(domain, subdomains, at, source)| {
            let domain = domain.to_owned();
            NativeRecord::Domain(DomainRule { domain, subdomains, at, source })
        });
    let text = proptest::sample::select(&KEYS[..]);
    let digest = (text, proptest::option::of(a_list()), class(), source()).prop_map(
        |(text, list, class, source)| {
            let digest = digest(text).as_bytes().to_vec();
            let algorithm = Algorithm::Sha256;
            NativeRecord::Digest(Digest { algorithm, digest, list, class, source, at: None })
        },
    );
    prop_oneof![rule, digest]
}

fn a_row() -> impl Strategy<Value = NativeRecord> {
    let choice = proptest::sample::select(&[Choice::In, Choice::Out][..]);
    let preference = (address(), a_list(), choice, time(), source()).prop_map(
        |(address, list, choice, at, source)| {
            NativeRecord::Preference(Preference { address, list, choice, at, source })
        },
    );
    prop_oneof![
        4 => a_contact(),
        2 => an_unsubscribe().prop_map(NativeRecord::Unsubscribe),
        2 => preference,
        2 => a_suppression(),
        2 => outside(),
    ]
}

fn a_request() -> impl Strategy<Value = ResubscribeRequest> {
    let lists = proptest::sample::subsequence(&LISTS[..], 0..=2);
    let include = proptest::sample::subsequence(&SuppressionReason::ALL[..], 0..=4);
    (any::<bool>(), lists, any::<bool>(), include).prop_map(|(global, lists, all, include)| {
        ResubscribeRequest { all_lists: all, include, ..request(global, &lists) }
    })
}

fn a_step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS.len();
    let rows = || proptest::collection::vec((0..KEYS.len(), a_row()), 0..10);
    let kind = proptest::sample::select(&Kind::ALL[..]);
    let source = proptest::sample::select(&["crm", "shop"][..]);
    prop_oneof![
        2 => (key.clone(), an_unsubscribe()).prop_map(|(key, record)| Step::Unsubscribe(key, record)),
        3 => (key.clone(), a_request()).prop_map(|(key, request)| Step::Resubscribe(key, request)),
        4 => rows().prop_map(Step::Import),
        4 => (kind, source, rows()).prop_map(|(kind, source, rows)| Step::Sync(kind, source, rows)),
        1 => key.prop_map(Step::Erase),
    ]
}

/// What was erased: the key, and the generation that holds it.
type Erasures = Vec<(&'static str, u64)>;

fn apply(ledger: &SqliteLedger, step: &Step, now: i64, erasures: &mut Erasures) {
    match step {
        Step::Unsubscribe(key, record) => {
            ledger.unsubscribe(KEYS[*key].as_bytes(), record, at(now), None).unwrap();
        }
        Step::Resubscribe(key, request) => {
            let key = KEYS[*key];
            let is_erased = ledger.view().unwrap().erased_since(key.as_bytes()).unwrap().is_some();
            let done = ledger.resubscribe(key.as_bytes(), key, request, at(now));
            let by_name = request.include.contains(&SuppressionReason::Manual);
            assert_eq!(done.is_ok(), !is_erased || by_name);
        }
        Step::Sync(kind, source, rows) => {
            let of_kind = rows.iter().filter(|(_, row)| row.kind() == *kind);
            let rows: Vec<(&[u8], NativeRecord)> =
                of_kind.map(|(key, row)| (KEYS[*key].as_bytes(), row.clone())).collect();
            let wanted =
                SyncRequest { limit: Limit::Count(99), allow_empty: true, ..wanted(source) };
            assert!(sync_as(ledger, *kind, &wanted, &rows, now).0.applied);
        }
        Step::Erase(key) => {
            let request = EraseRequest::new("privacy", "request 4711").unwrap();
            let erased =
                ledger.erase(KEYS[*key].as_bytes(), KEYS[*key], &request, at(now)).unwrap();
            if erased.is_new {
                erasures.push((KEYS[*key], erased.generation));
            }
        }
        Step::Import(rows) => {
            let rows: Vec<(&[u8], NativeRecord)> =
                rows.iter().map(|(key, row)| (KEYS[*key].as_bytes(), row.clone())).collect();
            import(ledger, &rows, now);
        }
    }
}

/// Everything there is to ask, with the answers; `None` where there is no answer.
#[derive(Debug, PartialEq)]
struct Told {
    keys: BTreeMap<&'static str, Option<(Vec<StoredRecord>, KeyState)>>,
    contacts: BTreeMap<&'static str, Option<Option<Contact>>>,
    rules: BTreeMap<&'static str, Option<StoredRecord>>,
    digests: BTreeMap<&'static str, Vec<StoredRecord>>,
}

fn now(view: &dyn View) -> Told {
    let of_key = |key: &str| {
        (view.records_of(key.as_bytes()).unwrap(), view.state_of(key.as_bytes()).unwrap())
    };
    Told {
        keys: KEYS.map(|key| (key, Some(of_key(key)))).into(),
        contacts: IDS.map(|id| (id, Some(view.contact_flags(id).unwrap()))).into(),
        rules: DOMAINS.map(|domain| (domain, view.rule_of(domain.as_bytes()).unwrap())).into(),
        digests: KEYS.map(|key| (key, view.digests_of(&digest(key)).unwrap())).into(),
    }
}

fn then(view: &dyn View, at: u64) -> Told {
    let of_key = |key: &str| {
        let records = view.records_at(key.as_bytes(), at).ok();
        records.zip(view.state_at(key.as_bytes(), at).ok())
    };
    Told {
        keys: KEYS.map(|key| (key, of_key(key))).into(),
        contacts: IDS.map(|id| (id, view.contact_at(id, at).ok())).into(),
        rules: DOMAINS.map(|domain| (domain, view.rule_at(domain.as_bytes(), at).unwrap())).into(),
        digests: KEYS.map(|key| (key, view.digests_at(&digest(key), at).unwrap())).into(),
    }
}

/// Forgets whose records are: a sync that takes one over says so of none.
fn without_sources(mut told: Told) -> Told {
    let forget = |stored: &mut StoredRecord| match &mut stored.record {
        Record::Contact(_) => {}
        Record::Unsubscribe(record) => record.source = None,
        Record::Preference(record) => record.source = None,
        Record::Suppression(record) => record.source = None,
        Record::Domain(rule) => rule.source = None,
        Record::Digest(record) => record.source = None,
    };
    for (records, state) in told.keys.values_mut().flatten() {
        records.iter_mut().for_each(forget);
        state.unsubscribes.iter_mut().for_each(|record| record.source = None);
        state.preferences.iter_mut().for_each(|record| record.source = None);
        state.suppressions.iter_mut().for_each(|record| record.source = None);
    }
    told.rules.values_mut().flatten().for_each(forget);
    told.digests.values_mut().flatten().for_each(forget);
    told
}

/// Takes from what was told then what can't be told any more.
fn without_erased(mut told: Told, generation: u64, again: &Told, erasures: &Erasures) -> Told {
    for (key, erased) in erasures {
        if *erased > generation {
            told.keys.insert(key, None);
        }
    }
    for (id, contact) in &mut told.contacts {
        // Where nothing is erased everything is told.
        if !erasures.is_empty() && again.contacts[id].is_none() {
            *contact = None;
        }
    }
    told
}

/// What a history comes to, read from its beginning: the records without their provenance, sorted.
fn read_forward(view: &dyn View, key: &[u8]) -> Vec<String> {
    let mut records: Vec<Record> = Vec::new();
    let remove = |records: &mut Vec<Record>, json: &Value| {
        let record = read(json);
        let at = records.iter().position(|known| *known == record);
        records.remove(at.unwrap_or_else(|| panic!("{json} is not there")));
    };
    for entry in view.history(key).unwrap() {
        let detail = &entry.detail;
        if entry.kind == EventKind::Imported || detail["added"] == true {
            records.push(read(&detail["record"]));
        }
        let members = |name: &str| detail[name].as_array().cloned().unwrap_or_default();
        members("deleted").iter().for_each(|json| remove(&mut records, json));
        for change in members("changed") {
            remove(&mut records, &change["was"]);
            records.push(read(&change["now"]));
        }
    }
    sorted(records.iter())
}

/// A record without whose it is.
fn read(json: &Value) -> Record {
    let mut json = json.clone();
    json["source"] = Value::Null;
    Record::from_json(&json).unwrap()
}

fn sorted<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<String> {
    let text = |record: &Record| read(&record.to_json()).to_json().to_string();
    let mut records: Vec<String> = records.map(text).collect();
    records.sort();
    records
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_state_that_was_is_told_again(
        steps in proptest::collection::vec((a_step(), 1_i64..50), 1..16)
    ) {
        let ledger = ledger().with_pseudonyms(Arc::new(Numbers));
        let mut erasures = Erasures::new();
        let is_synced = steps.iter().any(|(step, _)| matches!(step, Step::Sync(..)));
        let mut remembered = vec![(0, now(&*ledger.view().unwrap()))];
        for (step, at) in &steps {
            // In no order: clocks go back.
            apply(&ledger, step, *at, &mut erasures);
            let view = ledger.view().unwrap();
            remembered.push((view.position().generation, now(&*view)));
        }
        let view = ledger.view().unwrap();
        for (generation, told) in remembered {
            let again = then(&*view, generation);
            let told = without_erased(told, generation, &again, &erasures);
            let (again, told) = if is_synced {
                (without_sources(again), without_sources(told))
            } else {
                (again, told)
            };
            prop_assert_eq!(again, told, "generation {}", generation);
        }
        let was_erased = |key: &str| erasures.iter().any(|(erased, _)| *erased == key);
        for key in KEYS.into_iter().filter(|key| !was_erased(key)) {
            let records = view.records_of(key.as_bytes()).unwrap();
            let records = sorted(records.iter().map(|stored| &stored.record));
            prop_assert_eq!(read_forward(&*view, key.as_bytes()), records);
        }
        prop_assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
    }
}

/// Of a clock that went back the later generation counts: what it shows was there, and nothing else.
#[test]
fn a_time_means_the_last_generation_made_by_then() {
    let ledger = ledger();
    for (number, time) in [(1, 100), (2, 300), (3, 200), (4, 400)] {
        let key = format!("k{number}@example.com");
        ledger.unsubscribe(key.as_bytes(), &unsubscribe(&key, None), at(time), None).unwrap();
    }
    let view = ledger.view().unwrap();
    let generation = |time| view.generation_at(at(time)).unwrap();
    assert_eq!([99, 100, 199, 200, 300, 399, 400].map(generation), [0, 1, 1, 3, 3, 3, 4]);
}

/// A contact that moved twice is found where it was, with the flags it had there.
#[test]
fn a_contact_is_found_at_the_address_it_had() {
    let ledger = ledger();
    let deny = Some(Flag::DoNotAllow);
    import(&ledger, &[(b"a@example.com", contact("c1", "a@example.com", None, None))], 1);
    import(&ledger, &[(b"b@example.com", contact("c1", "b@example.com", deny, None))], 2);
    ledger.resubscribe(b"b@example.com", "b@example.com", &request(true, &[]), at(3)).unwrap();
    import(&ledger, &[(b"a@example.com", contact("c1", "A@example.com", None, deny))], 4);
    let view = ledger.view().unwrap();
    let told = [0, 1, 2, 3, 4].map(|generation| {
        let contact = view.contact_at("c1", generation).unwrap();
        contact.map(|contact| {
            (contact.address, contact.bulk_email.is_denied(), contact.email_allowed.is_denied())
        })
    });
    let told: Vec<Option<(&str, bool, bool)>> = told
        .iter()
        .map(|told| told.as_ref().map(|(at, bulk, email)| (&**at, *bulk, *email)))
        .collect();
    assert_eq!(
        told,
        [
            None,
            Some(("a@example.com", false, false)),
            Some(("b@example.com", true, false)),
            Some(("b@example.com", false, false)),
            Some(("A@example.com", false, true)),
        ]
    );
    assert_eq!(view.contact_at("c", 4).unwrap(), None);
}

/// What was recorded before an erasure is gone: saying that nothing was would be a lie.
#[test]
fn of_an_erased_address_nothing_is_told_of_before() {
    let ledger = ledger().with_pseudonyms(Arc::new(Numbers));
    let deny = Some(Flag::DoNotAllow);
    import(&ledger, &[(ANN, contact("c1", "ann@example.com", deny, None))], 1);
    import(&ledger, &[(b"b@example.com", contact("c2", "b@example.com", None, None))], 2);
    let request = EraseRequest::new("privacy", "request 4711").unwrap();
    ledger.erase(ANN, "ann@example.com", &request, at(3)).unwrap();
    import(&ledger, &[(b"x@example.org", contact("c1", "x@example.org", None, None))], 4);
    let manual = vec![SuppressionReason::Manual];
    let lift = ResubscribeRequest { include: manual, ..self::request(true, &[]) };
    ledger.resubscribe(ANN, "ann@example.com", &lift, at(5)).unwrap();
    let view = ledger.view().unwrap();
    for generation in [0, 1, 2] {
        let error = view.state_at(ANN, generation).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Untrusted);
        assert!(
            error.to_string().ends_with("the address was erased at 1970-01-01T00:00:00.000003Z"),
            "{error}"
        );
        assert!(view.contact_at("c1", generation).is_err());
    }
    for generation in [3, 4] {
        let state = view.state_at(ANN, generation).unwrap();
        assert_eq!(state.suppressions[0].source.as_deref(), Some("erased"));
    }
    assert!(view.state_at(ANN, 5).unwrap().suppressions.is_empty());
    // Its flags were kept by its id alone, until it had another address.
    assert!(view.contact_at("c1", 3).is_err());
    assert!(view.contact_at("c1", 4).unwrap().is_some());
    assert!(view.contact_at("c2", 2).unwrap().is_some());
    assert!(view.contact_at("c2", 1).is_err(), "it may have had the erased address");
    assert!(view.contact_at("c3", 1).unwrap().is_none());
}
