//! Threads that write, compile and ask beside each other, each with the store opened for itself as a process has it:
//! every answer is one state of the sequence that the acknowledged changes make, and none is older than what was
//! acknowledged before it was asked for. A snapshot that is kept goes on answering as it did.

use quell::address::Policy;
use quell::ledger::{ImportSource, Ledger, ResubscribeRequest};
use quell::record::{
    Channel, Class, Kind, NativeRecord, Permission, RecordClass, Timestamp, Unsubscribe,
    UnsubscribeState,
};
use quell::storage::Access;
use quell::store::Store;
use quell_soak::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PEOPLE: usize = 64;
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// What a change left: these are blocked, or this one is not any more.
#[derive(Debug, Clone)]
enum Change {
    Blocked(u64),
    Lifted(usize),
}

/// Who may be mailed, a bit each, at a generation; and the newest acknowledged before it was asked for.
struct Answer {
    before: u64,
    generation: u64,
    clear: u64,
}

#[derive(Default)]
struct Told {
    changes: Mutex<BTreeMap<u64, Change>>,
    acknowledged: AtomicU64,
    answers: Mutex<Vec<Answer>>,
}

fn key(person: usize) -> String {
    format!("person.{person}@example.com")
}

fn record(person: usize) -> Unsubscribe {
    Unsubscribe {
        address: key(person),
        list: None,
        state: UnsubscribeState::Active,
        class: RecordClass::Bulk,
        at: None,
        source: None,
    }
}

impl Told {
    fn changed(&self, generation: u64, change: Change) {
        let other = self.changes.lock().unwrap().insert(generation, change);
        assert!(other.is_none(), "two changes are generation {generation}");
        self.acknowledged.fetch_max(generation, Ordering::SeqCst);
    }

    fn write(&self, store: &Store, dice: &mut Dice<'_>) {
        let person = dice.below(PEOPLE);
        let ledger = store.ledger_to_change().unwrap();
        match dice.below(10) {
            0..=4 => {
                let key = key(person);
                let done = ledger.unsubscribe(key.as_bytes(), &record(person), NOW, None).unwrap();
                if done.changed {
                    self.changed(done.generation, Change::Blocked(1 << person));
                }
            }
            5..=8 => {
                let request = ResubscribeRequest {
                    global: true,
                    lists: vec![],
                    all_lists: false,
                    include: vec![],
                    permission: Permission::new(Channel::Form, "form 7", "desk").unwrap(),
                    recorded_by: None,
                };
                let key = key(person);
                let done = ledger.resubscribe(key.as_bytes(), &key, &request, NOW).unwrap();
                if !done.deleted.is_empty() {
                    self.changed(done.generation, Change::Lifted(person));
                }
            }
            _ => {
                let people: BTreeSet<usize> = (0..8).map(|_| dice.below(PEOPLE)).collect();
                let source = ImportSource { name: "x".into(), format: "native".into() };
                let mut session = ledger.import_session(Kind::Unsubscribes, source, NOW).unwrap();
                for person in &people {
                    let record = NativeRecord::Unsubscribe(record(*person));
                    session.push(key(*person).as_bytes(), &record).unwrap();
                }
                let counts = session.apply(people.len() as u64, 0, "").unwrap();
                if counts.added > 0 {
                    let bits = people.iter().fold(0, |bits, person| bits | 1 << person);
                    self.changed(counts.generation, Change::Blocked(bits));
                }
                store.catch_up(NOW).unwrap();
            }
        }
    }

    fn read(&self, store: &Store, dice: &mut Dice<'_>) {
        let before = self.acknowledged.load(Ordering::SeqCst);
        let access = if dice.chance(80) { Access::Map } else { Access::Resident };
        let (snapshot, hasher, _) = store.reader(access, NOW).unwrap().into_answers();
        let ask = || {
            (0..PEOPLE).fold(0, |clear, person| {
                let hash = hasher.address(key(person).as_bytes());
                let blocks = snapshot.get(hash, NOW);
                clear | u64::from(blocks.reasons(Class::Bulk).is_empty()) << person
            })
        };
        let clear = ask();
        if dice.chance(10) {
            thread::sleep(Duration::from_millis(20));
            assert_eq!(ask(), clear, "a snapshot changed");
        }
        let answer = Answer { before, generation: snapshot.generation(), clear };
        self.answers.lock().unwrap().push(answer);
    }

    fn judge(&self) -> (usize, usize, usize) {
        let changes = self.changes.lock().unwrap();
        let mut answers = std::mem::take(&mut *self.answers.lock().unwrap());
        answers.sort_by_key(|answer| answer.generation);
        let mut states = changes.iter().peekable();
        let (mut clear, mut seen) = (u64::MAX, BTreeSet::new());
        for answer in &answers {
            while let Some((_, change)) =
                states.next_if(|(generation, _)| **generation <= answer.generation)
            {
                match change {
                    Change::Blocked(bits) => clear &= !bits,
                    Change::Lifted(person) => clear |= 1 << person,
                }
            }
            let Answer { before, generation, clear: got } = answer;
            assert!(generation >= before, "{generation} answered after {before} was acknowledged");
            assert_eq!(*got, clear, "generation {generation}");
            seen.insert(*generation);
        }
        (changes.len(), answers.len(), seen.len())
    }
}

fn stress(home: &Path, seconds: u64, seed: u64) -> (usize, usize, usize) {
    let path = home.join("store");
    Store::create(&path, Policy::EXACT, NOW).unwrap();
    let until = Instant::now() + Duration::from_secs(seconds);
    let told = Told::default();
    let first = Store::open(&path).unwrap().ledger().view().unwrap().position().generation;
    told.acknowledged.store(first, Ordering::SeqCst);
    let (told, path) = (&told, &path);
    thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut dice = Dice::of_part(seed, thread);
                let mut store = Store::open(path).unwrap();
                while Instant::now() < until {
                    match thread {
                        0..=2 => told.write(&store, &mut dice),
                        // Each catch-up is a segment, so segments are merged and swept all the time.
                        3 => store.catch_up(NOW).unwrap(),
                        4 => {
                            let full = dice.chance(20);
                            store.compile(full, true, NOW).unwrap();
                            thread::sleep(Duration::from_millis(5));
                        }
                        _ => told.read(&store, &mut dice),
                    }
                    if dice.below(50) == 0 {
                        store = Store::open(path).unwrap();
                    }
                }
            });
        }
    });
    let store = Store::open(path).unwrap();
    told.read(&store, &mut Dice::seeded(seed));
    assert_eq!(store.verify(NOW).unwrap().faults, [""; 0]);
    told.judge()
}

#[test]
fn every_answer_beside_writers_compiles_and_merges_is_one_acknowledged_state() {
    let set = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = set("QUELL_TEST_SEED").unwrap_or(17);
    let seconds = set("QUELL_STRESS_SECONDS").unwrap_or(5);
    eprintln!("concurrency: QUELL_TEST_SEED={seed}");
    let home = tempfile::tempdir().unwrap();
    let (changes, answers, generations) = stress(home.path(), seconds, seed);
    eprintln!("{changes} changes, {answers} answers of {generations} generations");
    assert!(changes > 20 && answers > 20, "{changes} changes, {answers} answers");
}
