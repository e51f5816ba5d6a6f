//! The disk and its twin pass one suite; the twin's durability has its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

/// Runs `claim` on an empty disk and on an empty twin.
fn on_both(claim: impl Fn(&dyn Directory)) {
    let scratch = tempfile::tempdir().unwrap();
    claim(&Disk::create_at(scratch.path().join("index")).unwrap());
    claim(&Memory::new());
}

fn read(directory: &dyn Directory, name: &str) -> Vec<u8> {
    let mapped = directory.open(name, Access::Map).unwrap();
    let resident = directory.open(name, Access::Resident).unwrap();
    assert_eq!(&*mapped, &*resident, "{name}");
    for blob in [&mapped, &resident] {
        assert!(blob.is_empty() || blob.as_ptr().align_offset(64) == 0, "{name}");
    }
    mapped.to_vec()
}

#[test]
fn parts_become_one_file_however_it_is_read() {
    on_both(|directory| {
        let large: Vec<u8> = (0..(5 << 20) + 13).map(|at: u32| at.to_le_bytes()[1]).collect();
        directory.create("b", &[b"one", b"", b" two"]).unwrap();
        directory.create("a", &[&large, b"end"]).unwrap();
        directory.create("empty", &[]).unwrap();
        directory.sync().unwrap();
        assert_eq!(read(directory, "b"), b"one two");
        assert_eq!(read(directory, "empty"), b"");
        let bytes = read(directory, "a");
        assert!(bytes.starts_with(&large) && bytes.ends_with(b"end"));
        assert_eq!(directory.list().unwrap(), ["a", "b", "empty"]);
    });
}

/// A damaged segment was not cured by a rebuild that gave the same name, because `create` left the file
/// that was there.
#[test]
fn create_takes_the_place_of_a_damaged_file() {
    on_both(|directory| {
        directory.create("a", &[b"damaged"]).unwrap();
        let old = directory.open("a", Access::Map).unwrap();
        directory.create("a", &[b"sound"]).unwrap();
        assert_eq!(read(directory, "a"), b"sound");
        assert_eq!(&*old, b"damaged", "bytes opened before stay readable");
        assert_eq!(directory.list().unwrap(), ["a"]);
    });
}

#[test]
fn replace_gives_new_readers_the_new_bytes_and_leaves_old_ones_theirs() {
    on_both(|directory| {
        directory.replace("manifest", b"1").unwrap();
        let old = directory.open("manifest", Access::Map).unwrap();
        directory.replace("manifest", b"generation 2").unwrap();
        assert_eq!((&*old, read(directory, "manifest")), (&b"1"[..], b"generation 2".to_vec()));
    });
}

#[test]
fn a_removed_file_is_gone_and_its_open_bytes_are_not() {
    on_both(|directory| {
        directory.create("a", &[b"bytes"]).unwrap();
        let (mapped, resident) = (
            directory.open("a", Access::Map).unwrap(),
            directory.open("a", Access::Resident).unwrap(),
        );
        directory.remove("a").unwrap();
        assert_eq!((&*mapped, &*resident), (&b"bytes"[..], &b"bytes"[..]));
        assert_eq!(directory.open("a", Access::Map).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(directory.remove("a").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(directory.list().unwrap().is_empty());
    });
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    on_both(|directory| {
        for name in ["", "..", ".", "../a", "/a", "a/b", "lock", ".hidden", "a\0b"] {
            let kind = Some(io::ErrorKind::InvalidInput);
            assert_eq!(directory.open(name, Access::Map).err().map(|e| e.kind()), kind, "{name:?}");
            assert_eq!(directory.create(name, &[]).err().map(|e| e.kind()), kind, "{name:?}");
            assert_eq!(directory.replace(name, b"").err().map(|e| e.kind()), kind, "{name:?}");
            assert_eq!(directory.remove(name).err().map(|e| e.kind()), kind, "{name:?}");
        }
    });
}

#[test]
fn one_writer_holds_the_lock_at_a_time() {
    on_both(|directory| {
        let inside = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let lock = directory.lock().unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(directory.list().unwrap().is_empty(), "the lock is none of the files");
    });
}

#[test]
fn the_disk_opens_only_a_directory_and_says_which() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("missing");
    let error = Disk::open(&missing).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("missing"), "{error}");
    std::fs::write(&missing, "a file").unwrap();
    assert!(Disk::create_at(&missing).is_err());
    let error = Disk::open(scratch.path()).unwrap().open("absent", Access::Map).unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn a_file_on_disk_is_read_only_and_no_temporary_one_stays() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("a directory")).unwrap();
    let disk = Disk::open(scratch.path()).unwrap();
    disk.create("a", &[b"bytes"]).unwrap();
    disk.replace("manifest", b"1").unwrap();
    assert_eq!(disk.list().unwrap(), ["a", "manifest"]);
    for name in ["a", "manifest"] {
        assert!(scratch.path().join(name).metadata().unwrap().permissions().readonly(), "{name}");
    }
}

#[test]
fn a_name_is_durable_after_sync_and_may_be_before() {
    let memory = Memory::new();
    memory.create("a", &[b"bytes"]).unwrap();
    assert!(memory.crash().list().unwrap().is_empty());
    assert_eq!(read(&memory.crash_keeping_names(), "a"), b"bytes");
    memory.sync().unwrap();
    memory.remove("a").unwrap();
    assert_eq!(read(&memory.crash(), "a"), b"bytes");
    assert!(memory.crash_keeping_names().list().unwrap().is_empty());
    memory.sync().unwrap();
    assert!(memory.crash().list().unwrap().is_empty());
}

#[test]
fn each_name_may_survive_alone() {
    let memory = Memory::new();
    memory.replace("old", b"1").unwrap();
    memory.create("new", &[b"2"]).unwrap();
    memory.remove("old").unwrap();
    let left = |kept: &str| memory.crash_keeping(|name| name == kept).list().unwrap();
    assert_eq!(left("new"), ["new", "old"]);
    assert_eq!(left("old"), [""; 0]);
}

/// The twin stops before each step of a `replace` in turn: what a crash leaves is the old or the new
/// file, whole, and the new one once it returned.
#[test]
fn replace_is_old_or_new_at_every_step() {
    let mut steps = 0;
    loop {
        let memory = Memory::new();
        memory.replace("manifest", b"old").unwrap();
        memory.fail_at(memory.steps() + 1 + steps);
        let done = memory.replace("manifest", b"new").is_ok();
        let (lost, kept) = (memory.crash(), memory.crash_keeping_names());
        let want: (&[u8], &[u8]) = match steps {
            0..=2 => (b"old", b"old"),
            3 => (b"old", b"new"),
            _ => (b"new", b"new"),
        };
        assert_eq!(
            (read(&lost, "manifest"), read(&kept, "manifest")),
            (want.0.to_vec(), want.1.to_vec())
        );
        let torn = (steps == 1).then_some("manifest.tmp");
        if let Some(name) = torn {
            assert_eq!(read(&kept, name), b"n", "contents not synced are torn");
        }
        assert_eq!(done, steps == 4, "write, sync, rename, sync of the directory");
        if done {
            break;
        }
        steps += 1;
    }
}
