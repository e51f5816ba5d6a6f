//! Any order of syncs, imports and single changes: the ledger holds what the model holds.

use super::model::{CONTACTS, KEYS, LISTS, Model, Row, SOURCES, Says};
use super::*;
use proptest::prelude::*;

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
