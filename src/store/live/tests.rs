use super::*;
use crate::ErrorKind;
use crate::ledger::{ImportSource, ResubscribeRequest};
use crate::record::{
    Blocks, Channel, Kind, NativeRecord, Permission, RecordClass, Unsubscribe, UnsubscribeState,
};
use crate::store::LEDGER;
use std::fs;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_micros(1_000_000);
/// More than is taken into memory at once.
const LARGE: u64 = CHANGES_MAX + 100;

/// A store, a service over it, and what another process has open.
struct Place {
    directory: TempDir,
    live: Live,
    other: Store,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        Store::create(&path, Policy::EXACT, NOW).unwrap();
        let other = Store::open(&path).unwrap();
        let live = Live::open(&path, NOW).unwrap();
        Self { directory, live, other }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("store").join(name)
    }

    /// What another process records, without bringing up the index.
    fn unsubscribe(&self, address: &str) -> u64 {
        unsubscribe(&self.other, address)
    }

    fn resubscribe(&self, address: &str) {
        let permission = Permission::new(Channel::Phone, "ticket 4711", "support").unwrap();
        let request = ResubscribeRequest {
            global: true,
            lists: Vec::new(),
            all_lists: false,
            include: Vec::new(),
            permission,
            recorded_by: None,
        };
        self.other.ledger.resubscribe(address.as_bytes(), address, &request, NOW).unwrap();
    }

    /// An import by another process that has not brought up the index yet.
    fn import(&self, name: &str, rows: u64) -> u64 {
        let source = ImportSource { name: name.to_owned(), format: "native".into() };
        let mut session =
            self.other.ledger.import_session(Kind::Unsubscribes, source, NOW).unwrap();
        for row in 0..rows {
            let address = format!("{name}{row}@example.com");
            let record = NativeRecord::Unsubscribe(record(&address));
            session.push(address.as_bytes(), &record).unwrap();
        }
        session.apply(rows, 0, "00").unwrap().generation
    }

    /// One look of the thread that watches.
    fn look(&self) -> Result<Refreshed> {
        self.live.look(NOW)
    }

    /// One look at the files, and the look after it.
    fn look_at_files(&self) -> Result<Refreshed> {
        self.live.look_at_files();
        self.look()
    }

    fn withholds(&self, address: &str) -> bool {
        withholds(&self.live.answers().unwrap(), address)
    }

    fn is_untrusted(&self) -> bool {
        matches!(self.live.answers(), Err(error) if error.kind() == ErrorKind::Untrusted)
    }

    /// The segments' names.
    fn segments(&self) -> Vec<PathBuf> {
        let base = self.live.lock();
        let manifest = base.as_ref().unwrap().index.manifest();
        manifest.segments.iter().map(|segment| self.path("index").join(&segment.name)).collect()
    }

    fn compile(&self, full: bool) {
        self.other.compile(full, true, NOW).unwrap();
    }

    /// Puts the ledger of a backup in place, the service running.
    fn restore(&self, backup: &TempDir) {
        for end in ["-wal", "-shm"] {
            fs::remove_file(self.path(&format!("{LEDGER}{end}"))).ok();
        }
        fs::copy(backup.path().join(LEDGER), self.path("copy.db")).unwrap();
        fs::rename(self.path("copy.db"), self.path(LEDGER)).unwrap();
    }

    /// A copy of the store as a backup has it, everything in the ledger's one file.
    fn back_up(&self) -> TempDir {
        self.other.ledger.empty_log().unwrap();
        let copy = tempfile::tempdir().unwrap();
        fs::copy(self.path(LEDGER), copy.path().join(LEDGER)).unwrap();
        copy_index(&self.path("index"), copy.path());
        copy
    }
}

fn copy_index(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn record(address: &str) -> Unsubscribe {
    Unsubscribe {
        address: address.to_owned(),
        list: None,
        state: UnsubscribeState::Active,
        class: RecordClass::Bulk,
        at: None,
        source: None,
    }
}

fn unsubscribe(store: &Store, address: &str) -> u64 {
    let ledger = store.ledger_to_change().unwrap();
    ledger.unsubscribe(address.as_bytes(), &record(address), NOW, None).unwrap().generation
}

fn withholds(answers: &Answers, address: &str) -> bool {
    answers.snapshot().get(answers.hasher().address(address.as_bytes()), NOW) != Blocks::NONE
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_change_of_one_s_own_is_in_the_answers_when_it_is_acknowledged() {
    let place = Place::new();
    for number in 0..50 {
        let address = format!("p{number}@example.com");
        let store = Arc::clone(place.live.answers().unwrap().store());
        let generation = unsubscribe(&store, &address);
        place.live.follow(&store, generation, NOW).unwrap();
        assert!(place.withholds(&address) && !place.withholds("other@example.com"));
        assert_eq!(place.live.answers().unwrap().generation(), generation);
    }
    assert_eq!(place.live.lag(), 0);
}

#[test]
fn what_others_change_is_in_the_answers_after_a_look() {
    let place = Place::new();
    let before = place.live.answers().unwrap();
    let generation = place.unsubscribe("ann@example.com");
    assert_eq!(place.look().unwrap(), Refreshed::Current);
    assert!(place.withholds("ann@example.com"));
    assert_eq!(place.live.answers().unwrap().generation(), generation);
    assert!(!withholds(&before, "ann@example.com"), "who asked before keeps what they had");
    place.resubscribe("ann@example.com");
    place.look().unwrap();
    assert!(!place.withholds("ann@example.com"));
    // Nothing new: the very same answers.
    let before = place.live.answers().unwrap();
    place.look().unwrap();
    assert!(Arc::ptr_eq(&before, &place.live.answers().unwrap()));
}

#[test]
fn answers_go_on_while_a_large_import_is_compiled_elsewhere() {
    let place = Place::new();
    let known = place.unsubscribe("ann@example.com");
    place.look().unwrap();
    let generation = place.import("many", LARGE);
    assert_eq!(place.look().unwrap(), Refreshed::Behind);
    assert!(place.withholds("ann@example.com") && !place.withholds("many7@example.com"));
    assert_eq!(place.live.answers().unwrap().generation(), known);
    assert_eq!(place.live.lag(), generation - known);
    let is_one = place.live.read(NOW, |reader| Ok(reader.is_of_one_generation())).unwrap();
    assert!(!is_one, "the ledger is ahead, and says so");
    place.compile(false);
    assert_eq!(place.look().unwrap(), Refreshed::Current);
    assert!(place.withholds("ann@example.com") && place.withholds("many7@example.com"));
    assert_eq!(place.live.answers().unwrap().generation(), generation);
}

#[test]
fn a_change_of_one_s_own_is_seen_though_nobody_compiles_a_large_import() {
    let place = Place::new();
    place.import("many", LARGE);
    place.look().unwrap();
    let store = Arc::clone(place.live.answers().unwrap().store());
    let generation = unsubscribe(&store, "ann@example.com");
    place.live.follow(&store, generation, NOW).unwrap();
    assert!(place.withholds("ann@example.com") && place.withholds("many7@example.com"));
}

#[test]
fn a_large_import_whose_command_died_is_compiled_after_a_while() {
    let place = Place::new();
    place.import("many", LARGE);
    place.look().unwrap();
    place.live.compile_if_due(NOW).unwrap();
    assert!(!place.withholds("many7@example.com"), "its command may still be at it");
    let later = Timestamp::from_micros(NOW.as_micros() + 61_000_000);
    place.live.compile_if_due(later).unwrap();
    assert!(place.withholds("many7@example.com"));
}

#[test]
fn compiling_and_merging_in_between_change_no_answer() {
    let place = Place::new();
    let mut known = Vec::new();
    for round in 0..12 {
        let address = format!("p{round}@example.com");
        place.unsubscribe(&address);
        known.push(address);
        place.look().unwrap();
        let before = place.live.lock().as_ref().map(|base| Arc::clone(&base.store)).unwrap();
        // Merges sweep segments that the service still has open.
        place.compile(round == 5);
        place.look_at_files().unwrap();
        let after = place.live.lock().as_ref().map(|base| Arc::clone(&base.store)).unwrap();
        assert!(Arc::ptr_eq(&before, &after), "nothing is opened anew for a compile");
        assert_eq!(place.live.answers().unwrap().snapshot().overlay_len(), 0);
        assert!(known.iter().all(|address| place.withholds(address)));
    }
    // More than one look's worth lies between: the overlay is written out when it is due.
    place.import("few", OVERLAY_MAX as u64 + 1);
    place.look().unwrap();
    assert!(place.live.answers().unwrap().snapshot().overlay_len() > OVERLAY_MAX);
    place.live.compile_if_due(NOW).unwrap();
    assert_eq!(place.live.answers().unwrap().snapshot().overlay_len(), 0);
    assert!(known.iter().all(|address| place.withholds(address)));
    assert!(place.withholds("few7@example.com"));
}

#[test]
fn an_index_on_disk_that_is_older_than_memory_takes_nothing_back() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    place.compile(false);
    let backup = place.back_up();
    let put_back = || {
        fs::remove_file(backup.path().join(LEDGER)).ok();
        for path in place.segments() {
            fs::remove_file(path).ok();
        }
        copy_index(backup.path(), &place.path("index"));
    };
    // A few changes lie between: they are asked of the ledger again.
    place.unsubscribe("bob@example.com");
    place.compile(false);
    place.look().unwrap();
    put_back();
    place.look_at_files().unwrap();
    assert!(place.withholds("ann@example.com") && place.withholds("bob@example.com"));
    // Too many: what memory holds is kept.
    place.import("many", LARGE);
    place.compile(false);
    place.look().unwrap();
    let generation = place.live.answers().unwrap().generation();
    put_back();
    place.look().unwrap();
    assert!(place.withholds("bob@example.com") && place.withholds("many7@example.com"));
    place.unsubscribe("eve@example.com");
    place.look().unwrap();
    assert!(place.withholds("eve@example.com") && place.withholds("many7@example.com"));
    assert!(place.live.answers().unwrap().generation() > generation);
}

#[test]
fn a_ledger_that_was_restored_is_no_answer_until_the_index_is_made_anew() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    place.compile(false);
    let backup = place.back_up();
    place.unsubscribe("bob@example.com");
    place.look().unwrap();
    let store = Arc::clone(place.live.answers().unwrap().store());
    place.restore(&backup);
    // Written into the file that is gone: not acknowledged.
    let eve = record("eve@example.com");
    let lost = store.ledger.unsubscribe(b"eve@example.com", &eve, NOW, None).unwrap();
    assert!(place.live.follow(&store, lost.generation, NOW).is_err());
    let other = Store::open(&place.path("")).unwrap();
    // Its past goes on otherwise, to the same numbers and beyond.
    for address in ["cid@example.com", "dan@example.com", "fay@example.com"] {
        other.ledger.unsubscribe(address.as_bytes(), &record(address), NOW, None).unwrap();
    }
    place.look_at_files().unwrap();
    let told = |place: &Place| {
        ["ann", "bob", "cid", "dan", "eve"]
            .map(|name| place.withholds(&format!("{name}@example.com")))
    };
    assert_eq!(told(&place), [true, false, true, true, false], "what the ledger says now");
    assert!(place.live.answers().unwrap().generation() > lost.generation);
    assert!(
        place.live.follow(&store, lost.generation, NOW).is_err(),
        "a number alone says nothing"
    );
    other.compile(true, true, NOW).unwrap();
    place.look_at_files().unwrap();
    assert_eq!(told(&place), [true, false, true, true, false]);
}

#[test]
fn a_log_that_was_removed_is_never_written_to() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    place.look().unwrap();
    let store = Arc::clone(place.live.answers().unwrap().store());
    for end in ["-wal", "-shm"] {
        fs::remove_file(place.path(&format!("{LEDGER}{end}"))).unwrap();
    }
    // Commands make a new log, which those who have the old one open never see.
    let bob = record("bob@example.com");
    if let Ok(applied) = store.ledger.unsubscribe(b"bob@example.com", &bob, NOW, None) {
        assert!(place.live.follow(&store, applied.generation, NOW).is_err(), "not acknowledged");
    }
    place.live.look_at_files();
    assert!(place.live.lock().is_none(), "to be opened anew");
}

#[test]
fn a_ledger_of_another_past_under_the_newer_index_is_no_answer() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    let backup = place.back_up();
    place.unsubscribe("bob@example.com");
    place.compile(false);
    place.look().unwrap();
    place.restore(&backup);
    assert!(place.look_at_files().is_err());
    assert!(place.is_untrusted());
    Store::open(&place.path("")).unwrap().compile(true, true, NOW).unwrap();
    place.look_at_files().unwrap();
    assert!(place.withholds("ann@example.com") && !place.withholds("bob@example.com"));
}

#[test]
fn damage_to_any_file_ends_the_answers_until_it_is_mended() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    place.compile(false);
    place.look().unwrap();
    let segment = place.segments().pop().unwrap();
    let files = [
        segment.clone(),
        place.path("index/manifest"),
        place.path("secret.key"),
        place.path("quell.toml"),
    ];
    for path in &files {
        let sound = fs::read(path).unwrap();
        let cut: fn(&Path) = |path| fs::write(path, "[").unwrap();
        let remove: fn(&Path) = |path| fs::remove_file(path).unwrap();
        // A flipped byte of the settings may be one of a comment.
        let first = if path.ends_with("quell.toml") { cut } else { flip_a_byte };
        for damage in [first, cut, remove] {
            damage(path);
            assert!(place.look_at_files().is_err(), "{}", path.display());
            assert!(place.is_untrusted());
            assert!(place.live.read(NOW, |_| Ok(())).is_err());
            fs::write(path, &sound).unwrap();
            place.look_at_files().unwrap();
            assert!(place.withholds("ann@example.com"));
        }
    }
    // The cure that is told.
    flip_a_byte(&segment);
    assert!(place.look_at_files().is_err());
    place.compile(true);
    place.look_at_files().unwrap();
    assert!(place.withholds("ann@example.com"));
    // Damage to a segment that stays is not overlooked for another manifest's sake. A larger one is not merged at once.
    place.import("few", 100);
    place.compile(true);
    place.look_at_files().unwrap();
    let segment = place.segments().pop().unwrap();
    place.unsubscribe("bob@example.com");
    place.compile(false);
    flip_a_byte(&segment);
    place.look().unwrap();
    assert!(place.look_at_files().is_err());
}

#[test]
fn a_damaged_ledger_ends_the_answers() {
    let place = Place::new();
    place.unsubscribe("ann@example.com");
    place.look().unwrap();
    fs::write(place.path(LEDGER), b"no database at all, but quite long").unwrap();
    for end in ["-wal", "-shm"] {
        fs::remove_file(place.path(&format!("{LEDGER}{end}"))).ok();
    }
    assert!(place.look_at_files().is_err());
    assert!(place.is_untrusted());
}

#[test]
fn a_store_that_can_t_be_trusted_at_first_is_answered_from_once_it_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    assert!(Live::open(&path, NOW).is_err(), "there is none");
    Store::create(&path, Policy::EXACT, NOW).unwrap();
    let manifest = path.join("index/manifest");
    let sound = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    let live = Live::open(&path, NOW).unwrap();
    assert!(live.answers().is_err() && live.look(NOW).is_err());
    fs::write(&manifest, sound).unwrap();
    live.look(NOW).unwrap();
    assert_eq!(live.answers().unwrap().generation(), 0);
}

#[test]
fn a_reader_s_view_and_answers_are_of_one_generation_while_others_write() {
    let place = Place::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..200 {
                place.unsubscribe(&format!("p{number}@example.com"));
            }
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            let check = |reader: &Reader<'_>| {
                let view = reader.view().position().generation;
                if reader.is_of_one_generation() {
                    assert_eq!(view, reader.snapshot().generation());
                } else {
                    assert!(view > reader.snapshot().generation());
                }
                Ok(())
            };
            place.live.read(NOW, check).unwrap();
        }
    });
    place.look().unwrap();
    assert_eq!(place.live.answers().unwrap().generation(), 200);
}

#[test]
fn a_panic_while_answers_are_brought_up_does_not_leave_them_as_they_are() {
    let place = Place::new();
    std::thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let _held = place.live.lock();
            panic!("on purpose");
        });
        assert!(panics.join().is_err());
    });
    place.unsubscribe("ann@example.com");
    place.look().unwrap();
    assert!(place.withholds("ann@example.com"));
}

#[test]
fn answers_that_are_distrusted_are_none_until_the_next_look() {
    let place = Place::new();
    place.live.distrust();
    assert!(place.live.answers().is_err());
    place.unsubscribe("ann@example.com");
    place.look().unwrap();
    assert!(place.withholds("ann@example.com"));
}
