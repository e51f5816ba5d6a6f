//! Bytes of `ledger.db` that are not as they were written: whatever is asked, the answer is the right one, or an
//! error; nobody who must be withheld is ever kept.
//!
//! Each case takes a copy of a store, changes one byte of its ledger, and asks. `LEDGER_BYTES=every` changes every
//! byte, which takes an hour; without it some are drawn, and the seed is printed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failure of a helper is a failure of the test, and the seed is told"
)]

use std::fs;
use std::path::{Path, PathBuf};

use quell::address::{KeyBuffer, Policy};
use quell::ledger::{ImportSource, Ledger, ResubscribeRequest};
use quell::record::{
    Algorithm, Channel, Choice, Class, ContactRow, Digest, DomainRule, Flag, Kind, NativeRecord,
    Permission, Preference, Query, ReasonSet, RecordClass, Suppression, SuppressionReason,
    Timestamp, Unsubscribe, UnsubscribeState,
};
use quell::storage::Access;
use quell::store::{Reader, Store, outside};
use quell::{ErrorKind, Result};
use tempfile::TempDir;

/// Who is asked about: an address, and a contact of the recipients' file.
const ASKED: [(&str, Option<&str>); 14] = [
    ("ann@example.com", None),
    ("ben@example.com", None),
    ("cat@example.com", None),
    ("dan@example.com", None),
    ("eve@example.com", None),
    ("fay@example.com", None),
    ("gus@example.com", None),
    ("hal@example.com", None),
    ("ida@rules.test", None),
    ("hashed@example.com", None),
    ("new@example.com", Some("c2")),
    ("new@example.com", Some("c7")),
    ("new@example.com", None),
    ("k0500@example.com", None),
];

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn unsubscribe(address: &str, list: Option<&str>) -> Unsubscribe {
    Unsubscribe {
        address: address.into(),
        list: list.map(str::to_owned),
        state: UnsubscribeState::Active,
        class: RecordClass::Bulk,
        at: None,
        source: Some("form".into()),
    }
}

fn suppression(address: &str, reason: SuppressionReason) -> NativeRecord {
    NativeRecord::Suppression(Suppression {
        address: address.into(),
        reason,
        class: RecordClass::All,
        at: None,
        expires_at: None,
        source: None,
    })
}

fn contact(id: &str, address: &str, bulk_email: Flag) -> NativeRecord {
    NativeRecord::Contact(ContactRow {
        contact_id: id.into(),
        address: address.into(),
        bulk_email: Some(bulk_email),
        email_allowed: None,
        at: None,
        former: false,
    })
}

fn preference(address: &str, choice: Choice) -> NativeRecord {
    NativeRecord::Preference(Preference {
        address: address.into(),
        list: "news".into(),
        choice,
        at: None,
        source: None,
    })
}

fn import(store: &Store, records: &[NativeRecord], now: i64) -> Result<()> {
    let source = ImportSource { name: "file.csv".into(), format: "native".into() };
    let mut session = store.ledger_to_change()?.import_session(Kind::Contacts, source, at(now))?;
    for record in records {
        let key = match record {
            NativeRecord::Domain(rule) => rule.domain.clone().into_bytes(),
            NativeRecord::Digest(digest) => digest.digest.clone(),
            NativeRecord::Contact(row) => row.address.clone().into_bytes(),
            NativeRecord::Unsubscribe(row) => row.address.clone().into_bytes(),
            NativeRecord::Preference(row) => row.address.clone().into_bytes(),
            NativeRecord::Suppression(row) => row.address.clone().into_bytes(),
        };
        session.push(&key, record)?;
    }
    session.apply(records.len() as u64, 0, "00")?;
    store.catch_up(at(now))
}

/// A store of every kind of record: `rows` keys of each kind that are in the index, and changes that are not.
fn sound(rows: usize) -> TempDir {
    // Where there is memory for files: each case is a copy.
    let memory = Path::new("/dev/shm");
    let directory =
        if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let directory = directory.unwrap();
    let path = directory.path().join("sound");
    Store::create(&path, Policy::EXACT, at(0)).unwrap();
    let store = Store::open(&path).unwrap();
    let mut records = vec![
        contact("c1", "ann@example.com", Flag::DoNotAllow),
        contact("c2", "ben@example.com", Flag::DoNotAllow),
        contact("c3", "cat@example.com", Flag::Allow),
        preference("cat@example.com", Choice::Out),
        suppression("dan@example.com", SuppressionReason::Complaint),
        NativeRecord::Unsubscribe(unsubscribe("dan@example.com", None)),
        suppression("eve@example.com", SuppressionReason::Manual),
        NativeRecord::Unsubscribe(unsubscribe("eve@example.com", Some("news"))),
        NativeRecord::Domain(DomainRule {
            domain: "rules.test".into(),
            subdomains: true,
            at: None,
            source: None,
        }),
        NativeRecord::Digest(Digest {
            algorithm: Algorithm::Md5,
            digest: Algorithm::Md5.digest(b"hashed@example.com").as_bytes().to_vec(),
            list: None,
            class: RecordClass::All,
            source: None,
            at: None,
        }),
    ];
    for number in 0..rows {
        let address = format!("k{number:04}@example.com");
        records.push(match number % 4 {
            0 => NativeRecord::Unsubscribe(unsubscribe(&address, None)),
            1 => suppression(&address, SuppressionReason::Bounce),
            2 => contact(&format!("k{number}"), &address, Flag::DoNotAllow),
            _ => preference(&address, Choice::Out),
        });
    }
    import(&store, &records, 1).unwrap();
    // From here on nothing is compiled.
    let ledger = store.ledger();
    let apply = |address: &str, list| {
        let record = unsubscribe(address, list);
        ledger.unsubscribe(address.as_bytes(), &record, at(2), None).unwrap();
    };
    apply("fay@example.com", None);
    apply("gus@example.com", Some("news"));
    apply("cat@example.com", None);
    apply("ben@example.com", None);
    for number in 0..rows / 4 {
        apply(&format!("k{number:04}@example.com"), Some("news"));
    }
    resubscribe(&store, "ben@example.com").unwrap();
    apply("hal@example.com", None);
    drop(store);
    directory
}

fn resubscribe(store: &Store, address: &str) -> Result<()> {
    let request = ResubscribeRequest {
        global: true,
        lists: Vec::new(),
        all_lists: false,
        include: Vec::new(),
        permission: Permission::new(Channel::Phone, "call of 3 May", "support").unwrap(),
        recorded_by: None,
    };
    let ledger = store.ledger_to_change()?;
    ledger.resubscribe(address.as_bytes(), address, &request, at(3)).map(drop)
}

/// What a store says of everybody asked about, for bulk and transactional mail, without a list and for one.
fn answers(store: &Store) -> Result<Vec<ReasonSet>> {
    let reader = store.reader(Access::Resident, at(9))?;
    let lists = ["news".to_owned()];
    let mut answers = Vec::new();
    for (address, contact) in ASKED {
        for class in [Class::Bulk, Class::Transactional] {
            for lists in [&[], lists.as_slice()] {
                let query = Query { now: at(9), class, lists };
                answers.push(answer(&reader, address, contact, &query));
            }
        }
    }
    Ok(answers)
}

/// As `filter` answers: from the index and what changed since.
fn answer(
    reader: &Reader<'_>,
    address: &str,
    contact: Option<&str>,
    query: &Query<'_>,
) -> ReasonSet {
    let mut buffer = KeyBuffer::default();
    let key = reader.policy().key(address.as_bytes(), &mut buffer).unwrap();
    reader.reasons(address.as_bytes(), key, contact, query)
}

/// As `check` answers: index and ledger must agree.
fn checks(store: &Store) -> Result<()> {
    let reader = store.reader(Access::Resident, at(9))?;
    let query = Query { now: at(9), class: Class::Bulk, lists: &[] };
    for (address, contact) in ASKED {
        if contact.is_some() {
            continue;
        }
        let state = reader.view().state_of(address.as_bytes())?;
        let domain = address.split_once('@').unwrap().1;
        let outside = outside(reader.view(), address.as_bytes(), domain.as_bytes())?;
        let causes = state.causes_with(&outside, &query);
        let told: ReasonSet = causes.iter().map(|cause| cause.reason).collect();
        if told != answer(&reader, address, None, &query) {
            return Err(quell::Error::untrusted("they disagree").with_hint("as the command says"));
        }
    }
    Ok(())
}

/// What is done with a damaged store before it is asked.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Ask,
    Compile,
    Rebuild,
    Resubscribe,
    Unsubscribe,
    Import,
    Verify,
}

const DEEDS: [Deed; 7] = [
    Deed::Ask,
    Deed::Compile,
    Deed::Rebuild,
    Deed::Resubscribe,
    Deed::Unsubscribe,
    Deed::Import,
    Deed::Verify,
];

fn after(deed: Deed, path: &Path) -> Result<Vec<ReasonSet>> {
    let store = Store::open(path)?;
    match deed {
        Deed::Ask => checks(&store)?,
        Deed::Verify => {
            if let Some(fault) = store.verify(at(9))?.faults.pop() {
                return Err(quell::Error::untrusted(fault).with_hint("as the command says"));
            }
        }
        Deed::Compile => store.catch_up(at(9))?,
        Deed::Rebuild => drop(store.compile(true, true, at(9))?),
        // They have more than what is lifted.
        Deed::Resubscribe => resubscribe(&store, "dan@example.com")?,
        Deed::Unsubscribe => {
            let record = unsubscribe("eve@example.com", None);
            let ledger = store.ledger_to_change()?;
            let _ = ledger.unsubscribe(b"eve@example.com", &record, at(4), None)?;
        }
        Deed::Import => {
            let records = [
                contact("c3", "cat@example.com", Flag::DoNotAllow),
                contact("c7", "moved@example.com", Flag::DoNotAllow),
                suppression("eve@example.com", SuppressionReason::Bounce),
                preference("gus@example.com", Choice::In),
                NativeRecord::Unsubscribe(unsubscribe("k0500@example.com", None)),
            ];
            import(&store, &records, 5)?;
        }
    }
    answers(&store)
}

struct Sound {
    directory: TempDir,
    ledger: Vec<u8>,
    right: Vec<Vec<ReasonSet>>,
}

impl Sound {
    fn new(rows: usize) -> Self {
        let directory = sound(rows);
        let ledger = fs::read(directory.path().join("sound/ledger.db")).unwrap();
        let mut sound = Self { directory, ledger, right: Vec::new() };
        for deed in DEEDS {
            let path = sound.copy(&sound.ledger);
            sound.right.push(after(deed, &path).unwrap());
        }
        sound
    }

    /// A copy of the store with this ledger.
    fn copy(&self, ledger: &[u8]) -> PathBuf {
        let path = self.directory.path().join("case");
        let _ = fs::remove_dir_all(&path);
        copy_into(&self.directory.path().join("sound"), &path);
        fs::write(path.join("ledger.db"), ledger).unwrap();
        path
    }

    /// Fails unless the ledger with this byte gives an error or the right answers after the deed; says whether it
    /// was an error.
    fn try_byte(&self, place: usize, byte: u8, which: usize) -> bool {
        let mut ledger = self.ledger.clone();
        let was = std::mem::replace(&mut ledger[place], byte);
        let path = self.copy(&ledger);
        let deed = DEEDS[which];
        match after(deed, &path) {
            Ok(answers) => {
                for (number, (told, right)) in answers.iter().zip(&self.right[which]).enumerate() {
                    let (address, contact) = ASKED[number / 4];
                    if told != right {
                        let name = format!("case-{place}-{byte:02x}");
                        let _ = fs::write(std::env::temp_dir().join(&name), &ledger);
                        panic!(
                            "{deed:?}: byte {place} (page {}, {}) {was:#04x} -> {byte:#04x}: {address} {contact:?}: {told:?}, \
                             not {right:?}",
                            place / 4096 + 1,
                            place % 4096
                        );
                    }
                }
                false
            }
            Err(error) => {
                let context = format!("{deed:?}: byte {place} {was:#04x} -> {byte:#04x}: {error}");
                assert_eq!(error.kind(), ErrorKind::Untrusted, "{context}");
                assert!(error.hint().is_some(), "{context}");
                true
            }
        }
    }
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Numbers drawn from a seed that is printed: splitmix64.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("LEDGER_SEED").ok().map_or_else(
            || {
                let mut seed = [0; 8];
                getrandom::fill(&mut seed).unwrap();
                u64::from_le_bytes(seed)
            },
            |seed| seed.parse().unwrap(),
        );
        println!("LEDGER_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

/// Values a byte is given instead: a bit off, the sign off, none, all, its neighbours, and any.
fn others(byte: u8, dice: &mut Dice) -> [u8; 7] {
    let any = u8::try_from(dice.below(256)).unwrap();
    let bit = 1 << dice.below(8);
    [byte ^ bit, byte ^ 0x80, 0, 0xff, byte.wrapping_add(1), byte.wrapping_sub(1), any]
}

fn every() -> bool {
    std::env::var("LEDGER_BYTES").is_ok_and(|value| value == "every")
}

/// Tries bytes, each with every deed in turn and every other value; or some of them.
fn try_bytes(sound: &Sound, places: &[usize], some: usize) {
    let mut dice = Dice::new();
    let (mut tried, mut errors) = (0, 0);
    let mut one = |place: usize, value: usize, which: usize, dice: &mut Dice| {
        let byte = sound.ledger[place];
        let other = others(byte, dice)[value];
        if other != byte {
            tried += 1;
            errors += usize::from(sound.try_byte(place, other, which));
        }
    };
    if every() {
        for place in places {
            for value in 0..7 {
                one(*place, value, (place + value) % DEEDS.len(), &mut dice);
            }
        }
    } else {
        for _ in 0..some {
            let place = places[dice.below(places.len())];
            let (value, which) = (dice.below(7), dice.below(DEEDS.len()));
            one(place, value, which, &mut dice);
        }
    }
    println!("{tried} cases, {errors} errors");
    assert!(errors > 0, "no case was damage");
}

#[test]
fn a_changed_byte_of_a_small_ledger_is_an_error_or_changes_no_answer() {
    let sound = Sound::new(0);
    let all: Vec<usize> = (0..sound.ledger.len()).collect();
    // Most bytes of a small ledger are nothing's.
    let used: Vec<usize> = all.iter().copied().filter(|at| sound.ledger[*at] != 0).collect();
    try_bytes(&sound, &used, 600);
    try_bytes(&sound, &all, 100);
}

/// Pages above the leaves hide whole ranges of keys.
#[test]
fn a_changed_byte_above_the_leaves_is_an_error_or_changes_no_answer() {
    let sound = Sound::new(1200);
    let mut places = Vec::new();
    for page in (0..sound.ledger.len()).step_by(4096) {
        let header = if page == 0 { 100 } else { 0 };
        // Interior pages of an index and of a table.
        if matches!(sound.ledger[page + header], 2 | 5) {
            places.extend((page..page + 4096).filter(|at| sound.ledger[*at] != 0));
        }
    }
    assert!(!places.is_empty(), "no page above the leaves");
    try_bytes(&sound, &places, 300);
}
