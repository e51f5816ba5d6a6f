//! Many rows at once come to what they come to one by one.

use super::*;
use crate::ledger::StagedRows;
use crate::record::{Algorithm, Digest, DomainRule};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

type Keyed = (Vec<u8>, NativeRecord);

/// A row of few keys, so that records repeat, or of many, so that most are new.
fn row(kind: Kind, keys: u64, dice: &mut Dice) -> Keyed {
    let address = format!("p{}@example.com", dice.below(keys));
    let list = ["news", "offers", "weekly"][usize::try_from(dice.below(3)).unwrap()];
    let record = match kind {
        Kind::Suppressions => {
            let expires_at = [None, Some(5), Some(9)][usize::try_from(dice.below(3)).unwrap()];
            bounce(&address, expires_at)
        }
        Kind::Preferences => {
            let choice = if dice.below(2) == 0 { Choice::In } else { Choice::Out };
            preference(&address, list, choice)
        }
        Kind::Domains => NativeRecord::Domain(DomainRule {
            domain: format!("d{}.example.com", dice.below(keys)),
            subdomains: dice.below(2) == 0,
            at: None,
            source: None,
        }),
        Kind::Digests => {
            let classes = [RecordClass::Bulk, RecordClass::Transactional, RecordClass::All];
            let algorithm = if dice.below(9) == 0 { Algorithm::Sha1 } else { Algorithm::Md5 };
            NativeRecord::Digest(Digest {
                algorithm,
                digest: algorithm.digest(address.as_bytes()).as_bytes().to_vec(),
                list: (dice.below(3) == 0).then(|| list.to_owned()),
                class: classes[usize::try_from(dice.below(3)).unwrap()],
                source: None,
                at: None,
            })
        }
        _ => NativeRecord::Unsubscribe(unsubscribe(&address, Some(list))),
    };
    (address.into_bytes(), record)
}

/// Imports rows, staged by parts as a reader on several threads does.
fn import_staged(ledger: &SqliteLedger, kind: Kind, rows: &[Keyed]) -> ImportCounts {
    let source = ImportSource { name: "many.csv".into(), format: "native".into() };
    let mut session = ledger.import_session(kind, source, at(7)).unwrap();
    for part in rows.chunks(37) {
        let mut staged = StagedRows::default();
        for (key, record) in part {
            staged.push(key, &record.as_row()).unwrap();
        }
        session.take(&staged).unwrap();
    }
    session.apply(rows.len() as u64, 0, "00").unwrap()
}

/// Every record of a kind, without the import it came with.
fn records(ledger: &SqliteLedger, kind: Kind) -> Vec<String> {
    let mut records = Vec::new();
    let view = ledger.view().unwrap();
    view.export(kind, &mut |key, stored| {
        records.push(format!("{key:?} {:?}", stored.record));
        Ok(())
    })
    .unwrap();
    records
}

#[test]
fn many_rows_at_once_come_to_what_one_at_a_time_come_to() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Contacts) {
        let (at_once, one_by_one) = (ledger(), ledger());
        let mut dice = Dice(kind as u64);
        // Few keys repeat records within a file; many leave whole statements of new ones. The later
        // files find some of their records there.
        for keys in [3, 40, 2_000, 2_000, 900] {
            let rows: Vec<Keyed> = (0..300).map(|_| row(kind, keys, &mut dice)).collect();
            let before = at_once.view().unwrap().position().cursor;
            let counts = import_staged(&at_once, kind, &rows);
            let mut sum = ImportCounts::default();
            let single_before = one_by_one.view().unwrap().position().cursor;
            for single in &rows {
                let counts = import_staged(&one_by_one, kind, std::slice::from_ref(single));
                sum.added += counts.added;
                sum.unchanged += counts.unchanged;
                sum.held += counts.held;
            }
            let outcome = |counts: ImportCounts| (counts.added, counts.unchanged, counts.held);
            assert_eq!(outcome(counts), outcome(sum), "{kind}, {keys} keys");
            assert_eq!(records(&at_once, kind), records(&one_by_one, kind), "{kind}, {keys} keys");
            let touched = feed(&*at_once.view().unwrap(), before);
            assert_eq!(touched, feed(&*one_by_one.view().unwrap(), single_before));
        }
        let (view, single) = (at_once.view().unwrap(), one_by_one.view().unwrap());
        assert_eq!(view.counts().unwrap(), single.counts().unwrap());
        assert!(view.integrity_check().unwrap().is_empty());
    }
}
