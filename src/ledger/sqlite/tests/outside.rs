//! Domain rules and digests.

use super::super::schema::create_earlier;
use super::*;
use crate::ledger::Record;
use crate::record::{
    Algorithm, Digest, DigestBlocks, DigestValue, DomainBlocks, DomainRule, Outside,
};
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::BTreeMap;

fn rule(domain: &str, subdomains: bool) -> NativeRecord {
    let (domain, source) = (domain.into(), Some("legal".into()));
    NativeRecord::Domain(DomainRule { domain, subdomains, at: None, source })
}

fn digest_of(text: &str, algorithm: Algorithm) -> DigestValue {
    algorithm.digest(text.as_bytes())
}

fn digest(value: &DigestValue, list: Option<&str>, class: RecordClass) -> NativeRecord {
    NativeRecord::Digest(Digest {
        algorithm: value.algorithm(),
        digest: value.as_bytes().to_vec(),
        list: list.map(str::to_owned),
        class,
        source: None,
        at: None,
    })
}

/// What an import of these came to: added, unchanged, held.
fn outcome(ledger: &SqliteLedger, rows: &[NativeRecord], now: i64) -> (u64, u64, u64) {
    let rows: Vec<(&[u8], NativeRecord)> = rows.iter().map(|row| (&b""[..], row.clone())).collect();
    let counts = import(ledger, &rows, now);
    (counts.added, counts.unchanged, counts.held)
}

fn rules_covering(view: &dyn View, domain: &str) -> Vec<String> {
    let rules = view.rules_covering(domain.as_bytes()).unwrap();
    let domain = |record: Record| match record {
        Record::Domain(rule) => rule.domain,
        other => panic!("{other:?}"),
    };
    rules.into_iter().map(|stored| domain(stored.record)).collect()
}

#[test]
fn a_rule_may_gain_its_subdomains_and_never_loses_them() {
    let ledger = ledger();
    assert_eq!(outcome(&ledger, &[rule("example.com", false)], 1), (1, 0, 0));
    let view = ledger.view().unwrap();
    let end = view.position().cursor;
    assert_eq!(rules_covering(&*view, "example.com"), ["example.com"]);
    assert!(rules_covering(&*view, "a.b.example.com").is_empty());
    drop(view);
    assert_eq!(outcome(&ledger, &[rule("example.com", false)], 2), (0, 1, 0));
    assert_eq!(feed(&*ledger.view().unwrap(), end), Some(BTreeSet::new()));
    assert_eq!(outcome(&ledger, &[rule("example.com", true)], 3), (1, 0, 0), "a tightening");
    assert_eq!(outcome(&ledger, &[rule("example.com", false)], 4), (0, 0, 1), "held");
    let view = ledger.view().unwrap();
    assert_eq!(feed(&*view, end), Some([("domain".into(), b"example.com".to_vec())].into()));
    assert_eq!(rules_covering(&*view, "a.b.example.com"), ["example.com"]);
    assert!(rules_covering(&*view, "notexample.com").is_empty(), "by labels");
    assert_eq!(view.counts().unwrap().domains, 1);
    let history = view.history_of_rule(b"example.com").unwrap();
    let kinds: Vec<&str> = history.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["imported", "changed"]);
    assert_eq!(history[0].detail["record"]["subdomains"], false, "as it was added");
    assert_eq!(history[1].detail["changed"][0]["now"]["subdomains"], true);
}

#[test]
fn rules_of_several_levels_are_found_nearest_first() {
    let ledger = ledger();
    let rows = ["com", "b.example.com", "example.com"].map(|domain| rule(domain, true));
    assert_eq!(outcome(&ledger, &rows, 1), (3, 0, 0));
    let view = ledger.view().unwrap();
    let want = ["b.example.com", "example.com", "com"];
    assert_eq!(rules_covering(&*view, "a.b.example.com"), want);
    assert_eq!(rules_covering(&*view, "b.example.com"), want);
    assert_eq!(rules_covering(&*view, "[192.0.2.1]"), [""; 0]);
    let like = |pattern: &str| -> usize { view.rules_like(pattern.as_bytes()).unwrap().len() };
    assert_eq!((like("*"), like("*@*.example.com"), like("@com"), like("ann*")), (3, 1, 1, 0));
}

#[test]
fn a_digest_s_class_only_widens() {
    use RecordClass::{All, Bulk, Transactional};
    let ledger = ledger();
    let value = digest_of("ann@example.com", Algorithm::Sha1);
    assert_eq!(outcome(&ledger, &[digest(&value, None, Bulk)], 1), (1, 0, 0));
    let end = ledger.view().unwrap().position().cursor;
    assert_eq!(outcome(&ledger, &[digest(&value, None, Bulk)], 2), (0, 1, 0));
    assert_eq!(outcome(&ledger, &[digest(&value, None, Transactional)], 3), (1, 0, 0));
    for narrower in [Bulk, Transactional] {
        assert_eq!(outcome(&ledger, &[digest(&value, None, narrower)], 4), (0, 0, 1));
    }
    assert_eq!(outcome(&ledger, &[digest(&value, None, All)], 5), (0, 1, 0));
    let view = ledger.view().unwrap();
    let stored = view.digests_of(&value).unwrap();
    let [stored] = stored.as_slice() else { panic!("{stored:?}") };
    let Record::Digest(record) = &stored.record else { panic!("{stored:?}") };
    assert_eq!((record.class, record.at), (All, Some(at(1))), "since it was imported");
    let touched = [("digest ".into(), value.as_bytes().to_vec())].into();
    assert_eq!(feed(&*view, end), Some(touched));
    let history = view.history_of_digest(&value).unwrap();
    let kinds: Vec<&str> = history.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["imported", "changed"]);
    assert_eq!(history[0].detail["record"]["class"], "bulk");
}

#[test]
fn a_digest_on_a_list_is_a_record_of_its_own_and_touches_both_entries() {
    let ledger = ledger();
    let value = digest_of("ann@example.com", Algorithm::Md5);
    let row = |list| digest(&value, list, RecordClass::Bulk);
    assert_eq!(outcome(&ledger, &[row(Some("news")), row(None), row(Some("news"))], 1), (2, 1, 0));
    let view = ledger.view().unwrap();
    let bytes = value.as_bytes().to_vec();
    let want = [("digest ".into(), bytes.clone()), ("digest news".into(), bytes)].into();
    assert_eq!(feed(&*view, Cursor::START), Some(want));
    assert!(view.knows_list("news").unwrap());
    assert_eq!(view.counts().unwrap().digests, 2);
    assert!(view.has_digests(Algorithm::Md5).unwrap());
    assert!(!view.has_digests(Algorithm::Sha256).unwrap());
    assert!(!view.has_rules().unwrap());
}

#[test]
fn what_is_no_rule_and_no_digest_is_refused() {
    let ledger = ledger();
    let source = ImportSource { name: "x".into(), format: "native".into() };
    let mut session = ledger.import_session(Kind::Digests, source, at(1)).unwrap();
    assert!(session.push(b"", &rule("", true)).is_err());
    let short = NativeRecord::Digest(Digest {
        algorithm: Algorithm::Md5,
        digest: vec![1; 15],
        list: None,
        class: RecordClass::Bulk,
        source: None,
        at: None,
    });
    assert!(session.push(b"", &short).is_err());
}

/// A ledger of the first schema, with a record and an event.
#[test]
fn a_ledger_of_schema_1_is_migrated_when_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    create_earlier(&path, 1, &identity()).unwrap();
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(
        "INSERT INTO generation (at, cause) VALUES (1, 'unsubscribe'); \
         INSERT INTO suppression (key, reason, class, address, recorded_at) \
         VALUES (CAST('ann@example.com' AS BLOB), 0, 2, '', 1); \
         UPDATE tally SET records = 1 WHERE kind = 'suppressions'; \
         INSERT INTO event (at, generation, kind, key, detail) \
         VALUES (1, 1, 'unsubscribed', CAST('bob@example.com' AS BLOB), '{}'), \
                (2, 1, 'changed', CAST('bob@example.com' AS BLOB), '{}'); \
         INSERT INTO change (generation, space, key, scope) \
         VALUES (1, 0, CAST('ann@example.com' AS BLOB), '');",
    )
    .unwrap();
    drop(raw);
    let ledger = SqliteLedger::open(&path).unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.state_of(ANN).unwrap().suppressions.len(), 1);
    assert_eq!(view.counts().unwrap().total(), 1);
    assert_eq!(view.history(b"bob@example.com").unwrap().len(), 2);
    assert_eq!(view.chain_head().unwrap().events, 2);
    drop(view);
    assert_eq!(outcome(&ledger, &[rule("example.com", true)], 2), (1, 0, 0));
    drop(ledger);
    let before = std::fs::read(&path).unwrap();
    let ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(ledger.view().unwrap().counts().unwrap().domains, 1);
    assert!(ledger.view().unwrap().integrity_check().unwrap().is_empty());
    drop(ledger);
    assert!(std::fs::read(&path).unwrap() == before, "once");
}

const DOMAINS: [&str; 4] = ["example.com", "a.example.com", "x.test", "[192.0.2.1]"];
const LISTS: [Option<&str>; 3] = [None, Some("news"), Some("offers")];

/// What is known, plainly: rules by domain, classes by digest and list.
#[derive(Debug, Clone, PartialEq, Default)]
struct Known {
    rules: BTreeMap<String, bool>,
    digests: BTreeMap<(DigestValue, Option<String>), RecordClass>,
}

impl Known {
    /// Takes a row in; says what becomes of it: 0 added, 1 unchanged, 2 held.
    fn take(&mut self, row: &NativeRecord) -> usize {
        match row {
            NativeRecord::Domain(rule) => {
                let Some(known) = self.rules.get_mut(&rule.domain) else {
                    self.rules.insert(rule.domain.clone(), rule.subdomains);
                    return 0;
                };
                let was = std::mem::replace(known, *known || rule.subdomains);
                usize::from(*known == was) + usize::from(was && !rule.subdomains)
            }
            NativeRecord::Digest(record) => {
                let value = DigestValue::from_bytes(&record.digest).unwrap();
                let Some(known) = self.digests.get_mut(&(value, record.list.clone())) else {
                    self.digests.insert((value, record.list.clone()), record.class);
                    return 0;
                };
                let covers = |class: RecordClass| {
                    [Class::Bulk, Class::Transactional].map(|send| class.covers(send))
                };
                let (was, said) = (covers(*known), covers(record.class));
                if was[0] >= said[0] && was[1] >= said[1] {
                    return if was == said { 1 } else { 2 };
                }
                *known = match (was[0] || said[0], was[1] || said[1]) {
                    (true, true) => RecordClass::All,
                    (true, false) => RecordClass::Bulk,
                    _ => RecordClass::Transactional,
                };
                0
            }
            other => panic!("{other:?}"),
        }
    }
}

fn row() -> impl Strategy<Value = NativeRecord> {
    let class = prop_oneof![
        Just(RecordClass::Bulk),
        Just(RecordClass::Transactional),
        Just(RecordClass::All)
    ];
    let algorithm = proptest::sample::select(&Algorithm::ALL[..]);
    let list = proptest::sample::select(&LISTS[..]);
    prop_oneof![
        (proptest::sample::select(&DOMAINS[..]), any::<bool>())
            .prop_map(|(domain, subdomains)| rule(domain, subdomains)),
        (0..3, algorithm, list, class).prop_map(|(who, algorithm, list, class)| {
            digest(&digest_of(&format!("{who}@example.com"), algorithm), list, class)
        }),
    ]
}

/// What the ledger says, by its scans.
fn known(view: &dyn View) -> Known {
    let mut known = Known::default();
    view.for_each_rule(&mut |domain, blocks| {
        let domain = String::from_utf8(domain.to_vec()).unwrap();
        let Some(Record::Domain(rule)) =
            view.rule_of(domain.as_bytes()).unwrap().map(|stored| stored.record)
        else {
            panic!("{domain}: scanned, and not there")
        };
        assert_eq!(rule.blocks(), blocks);
        known.rules.insert(domain, blocks.contains(DomainBlocks::SUBDOMAINS));
        Ok(())
    })
    .unwrap();
    view.for_each_digest(&mut |entries| {
        let stored = view.digests_of(&entries.digest).unwrap();
        let records: Vec<Digest> = stored
            .into_iter()
            .map(|stored| match stored.record {
                Record::Digest(record) => record,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(entries.blocks, Digest::entry(&records), "scan and look-up agree");
        let has_lists = entries.blocks.contains(DigestBlocks::HAS_LISTS);
        assert_eq!(has_lists, !entries.lists.is_empty());
        for (list, blocks) in entries.lists {
            assert_eq!(*blocks, Digest::list_entry(&records, list));
        }
        let in_lists = records.iter().filter(|record| record.list.is_some()).count();
        assert_eq!(in_lists, entries.lists.len());
        for record in records {
            known.digests.insert((entries.digest, record.list), record.class);
        }
        Ok(())
    })
    .unwrap();
    known
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_imported_the_ledger_knows_what_a_plain_model_knows(
        files in proptest::collection::vec(proptest::collection::vec(row(), 0..20), 1..8)
    ) {
        let ledger = ledger();
        let mut model = Known::default();
        for (rows, now) in files.iter().zip(1..) {
            let position = ledger.view().unwrap().position();
            let before = model.clone();
            let mut want = [0; 3];
            for row in rows {
                want[model.take(row)] += 1;
            }
            let (added, unchanged, held) = outcome(&ledger, rows, now);
            prop_assert_eq!([added, unchanged, held], want);
            prop_assert_eq!(outcome(&ledger, rows, now).0, 0, "idempotent");
            let view = ledger.view().unwrap();
            prop_assert_eq!(known(&*view), model.clone());
            prop_assert_eq!(model != before, view.position().generation != position.generation);
            let named = feed(&*view, position.cursor).unwrap();
            for (domain, subdomains) in &model.rules {
                let changed = before.rules.get(domain) != Some(subdomains);
                let name = ("domain".to_owned(), domain.clone().into_bytes());
                prop_assert_eq!(named.contains(&name), changed);
            }
            for ((value, list), class) in &model.digests {
                let changed = before.digests.get(&(*value, list.clone())) != Some(class);
                let list = list.clone().unwrap_or_default();
                let name = (format!("digest {list}"), value.as_bytes().to_vec());
                prop_assert!(!changed || named.contains(&name));
            }
            for algorithm in Algorithm::ALL {
                let any = model.digests.keys().any(|(value, _)| value.algorithm() == algorithm);
                prop_assert_eq!(view.has_digests(algorithm).unwrap(), any);
            }
            prop_assert_eq!(view.has_rules().unwrap(), !model.rules.is_empty());
            prop_assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
        }
    }
}

fn add(outside: &mut Outside, record: Record) {
    match record {
        Record::Domain(rule) => outside.rules.push(rule),
        Record::Digest(record) => outside.digests.push(record),
        other => panic!("{other:?}"),
    }
}

/// The plain struct of `record` says what the records it holds say.
#[test]
fn what_the_ledger_finds_withholds_through_the_truth_table() {
    let ledger = ledger();
    let value = digest_of("ann@example.com", Algorithm::Sha256);
    let rows = [rule("example.com", true), digest(&value, Some("news"), RecordClass::Bulk)];
    outcome(&ledger, &rows, 1);
    let view = ledger.view().unwrap();
    let mut outside = Outside::default();
    for stored in view.rules_covering(b"a.example.com").unwrap() {
        add(&mut outside, stored.record);
    }
    for stored in view.digests_of(&value).unwrap() {
        add(&mut outside, stored.record);
    }
    let words = |class, lists: &[String]| -> Vec<&'static str> {
        outside.reasons(&Query { now: at(0), class, lists }).iter().map(|r| r.as_str()).collect()
    };
    assert_eq!(words(Class::Bulk, &["news".to_owned()]), ["domain", "digest"]);
    assert_eq!(words(Class::Transactional, &["news".to_owned()]), ["domain"]);
}
