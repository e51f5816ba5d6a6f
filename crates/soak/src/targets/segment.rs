//! Files of the index: a segment and a manifest, damaged, and damaged with every checksum made right again.

use crate::dice::Dice;
use quell::ErrorKind;
use quell::index::Batch;
use quell::index::{Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey};
use quell::record::state::EntryState;
use quell::record::{Blocks, Expiry, Reason, Timestamp};
use quell::segment::{Hash, Identity, Segment};
use quell::storage::{Access, Directory, Memory};
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::xxh3_128;

/// docs/format.md: the header, under its own checksum up to the last sixteen bytes.
const HEADER: usize = 96;
const SECTION: usize = 48;

/// An index of two segments, and what it answers.
struct Sound {
    directory: Memory,
    segments: Vec<(String, Vec<u8>)>,
    manifest: Vec<u8>,
    hashes: Vec<Hash>,
    answers: Vec<Blocks>,
}

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn identity() -> IndexIdentity {
    let segment = Identity { key_id: hasher().key_id(), policy: 0 };
    IndexIdentity { ledger_id: "fuzz".to_owned(), segment }
}

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([7; 16]))
}

static SOUND: LazyLock<Option<Sound>> = LazyLock::new(|| make().ok());

fn make() -> quell::Result<Sound> {
    let directory = Arc::new(Memory::new());
    let mut index = Index::create(directory.clone(), identity(), Timestamp::from_micros(0))?;
    let keys: Vec<String> = (0..24).map(|number| format!("k{number}@example.com")).collect();
    let hasher = hasher();
    for (cursor, range) in [(1, 0..16), (2, 12..20)] {
        let mut batch = Batch::default();
        for number in range {
            let reason = if number % 3 == 0 { Reason::Manual } else { Reason::Unsubscribed };
            let blocks = Blocks::of(reason, None);
            let mut state = EntryState { blocks, expiries: vec![] };
            if number % 5 == 0 {
                let at = Timestamp::from_micros(if number % 2 == 0 { 10 } else { 10_000 });
                state =
                    EntryState { blocks: Blocks::EXPIRING, expiries: vec![Expiry { at, blocks }] };
            }
            if cursor == 2 && number == 13 {
                state = EntryState::default();
            }
            batch.push(hasher.address(keys[number].as_bytes()), &state);
        }
        let _ = index.commit(batch, cursor - 1, at(cursor), Timestamp::from_micros(0))?;
    }
    let bytes = |name: &str| directory.open(name, Access::Resident).map(|blob| blob.to_vec());
    let io = |error: std::io::Error| quell::Error::untrusted(error.to_string());
    let names = index.manifest().segments.iter().map(|segment| segment.name.clone());
    let segments: quell::Result<Vec<_>> =
        names.map(|name| Ok((name.clone(), bytes(&name).map_err(io)?))).collect();
    let hashes: Vec<Hash> = keys.iter().map(|key| hasher.address(key.as_bytes())).collect();
    let snapshot = index.snapshot(Overlay::new(), index.position());
    let answers = hashes.iter().map(|hash| snapshot.get(*hash, NOW)).collect();
    let manifest = bytes("manifest").map_err(io)?;
    Ok(Sound { directory: directory.copy(), segments: segments?, manifest, hashes, answers })
}

fn at(cursor: u64) -> Position {
    Position { generation: cursor, cursor, mark: 0 }
}

/// Some edits of a file: bytes changed, cut off or put in.
fn damage(dice: &mut Dice<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(8) {
        if bytes.is_empty() {
            return;
        }
        // Where the format says most is where its first bytes are.
        let reach = if dice.chance(60) { bytes.len().min(256) } else { bytes.len() };
        let place = dice.below(reach);
        match dice.below(8) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, dice.below(256) as u8),
            2 => bytes[place..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
            3 => bytes[place..].iter_mut().take(64).for_each(|byte| *byte = 0),
            4 => bytes[place] ^= 1 << dice.below(8),
            5 => bytes.extend_from_slice(&[0; 7]),
            _ => bytes[place] = dice.below(256) as u8,
        }
    }
}

fn put(bytes: &mut [u8], at: usize, number: u128) {
    if let Some(room) = bytes.get_mut(at..at + 16) {
        room.copy_from_slice(&number.to_le_bytes());
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
    field.map_or(0, |field| usize::try_from(u64::from_le_bytes(field)).unwrap_or(usize::MAX))
}

/// Makes every checksum of a segment right, and its length; gives the name it must have then. The dictionary
/// keeps a wrong one: `fst` promises nothing for a dictionary that nobody wrote.
fn sealed(bytes: &mut [u8]) -> String {
    let length = bytes.len() as u64;
    if let Some(room) = bytes.get_mut(16..24) {
        room.copy_from_slice(&length.to_le_bytes());
    }
    let sections = number(bytes, 8) >> 32;
    let sections = sections.min(16);
    for row in (0..sections).map(|section| HEADER + section * SECTION) {
        let (start, len) = (number(bytes, row + 8), number(bytes, row + 16));
        let part = start.checked_add(len).and_then(|end| bytes.get(start..end));
        let is_dictionary = bytes.get(row) == Some(&4);
        if let Some(sum) = part.map(xxh3_128).filter(|_| !is_dictionary) {
            put(bytes, row + 32, sum);
        }
    }
    if let Some(sum) = bytes.get(HEADER..HEADER + sections * SECTION).map(xxh3_128) {
        put(bytes, 64, sum);
    }
    let sum = bytes.get(..80).map_or(0, xxh3_128);
    put(bytes, 80, sum);
    format!("{sum:032x}.seg")
}

/// A damaged segment is refused, or answers as before. One whose checksums were made right answers something, and
/// nothing panics.
pub fn segment(data: &[u8]) {
    let Some(sound) = &*SOUND else { panic!("no index to damage") };
    let mut dice = Dice::of_bytes(data);
    let (name, whole) = dice.pick(&sound.segments);
    let mut bytes = whole.clone();
    let is_sealed = dice.chance(70);
    damage(&mut dice, &mut bytes);
    let directory = sound.directory.copy();
    let name = if is_sealed { sealed(&mut bytes) } else { name.clone() };
    directory.plant(&name, &bytes);
    let opened = Segment::open(&directory, &name, &identity().segment, Access::Map);
    let segment = match opened {
        Ok(segment) => segment,
        Err(error) => return refused(&error),
    };
    segment.prefetch(&sound.hashes);
    let answers: Vec<Option<u16>> = sound.hashes.iter().map(|hash| segment.get(*hash)).collect();
    let candidates = segment.candidates(&sound.hashes);
    for (at, answer) in answers.iter().enumerate() {
        segment.prefetch_second(sound.hashes[at]);
        let _ = segment.expiring(sound.hashes[at]).count();
        // What a filter asks first never says no where a look-up says yes.
        assert!(answer.is_none() || candidates & 1 << at != 0, "{at} is there and no candidate");
    }
    let _ = segment.all_expiring().count();
    if let Ok(Some(entries)) = segment.entries() {
        let _ = entries.count();
    }
    let _ = segment.verify();
    let _ = quell::segment::merge(&[&segment], true);
    if !is_sealed {
        index_answers(directory, sound);
    }
}

/// The index with the damaged file gives the right answers or none.
fn index_answers(directory: Memory, sound: &Sound) {
    let index = match Index::open(Arc::new(directory), identity(), Access::Map) {
        Ok(index) => index,
        Err(error) => return refused(&error),
    };
    let snapshot = index.snapshot(Overlay::new(), index.position());
    let answers: Vec<Blocks> = sound.hashes.iter().map(|hash| snapshot.get(*hash, NOW)).collect();
    assert_eq!(answers, sound.answers);
}

fn refused(error: &quell::Error) {
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    assert!(error.hint().is_some(), "{error}");
}

/// A damaged manifest is refused, or the index answers as before. One whose checksum was made right names
/// what it names, and nothing panics.
pub fn manifest(data: &[u8]) {
    let Some(sound) = &*SOUND else { panic!("no index to damage") };
    let mut dice = Dice::of_bytes(data);
    let mut bytes = sound.manifest.clone();
    let is_sealed = dice.chance(70);
    if is_sealed {
        // The JSON line alone.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut lines = text.lines();
        let (first, line) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let mut line = line.as_bytes().to_vec();
        if dice.chance(50) {
            damage(&mut dice, &mut line);
        } else {
            replace_number(&mut dice, &mut line);
        }
        bytes = [first.as_bytes(), b"\n", &line, b"\n"].concat();
        let sum = xxh3_128(&bytes);
        bytes.extend_from_slice(format!("xxh3-128 {sum:032x}\n").as_bytes());
    } else {
        damage(&mut dice, &mut bytes);
    }
    let directory = sound.directory.copy();
    directory.plant("manifest", &bytes);
    if !is_sealed {
        return index_answers(directory, sound);
    }
    match Index::open(Arc::new(directory), identity(), Access::Map) {
        Err(error) => refused(&error),
        Ok(mut index) => {
            let snapshot = index.snapshot(Overlay::new(), index.position());
            for hash in &sound.hashes {
                let _ = snapshot.get(*hash, NOW);
            }
            let _ = index.verify();
            let _ = index.merge_if_needed();
        }
    }
}

/// Puts another number in the place of one of the line's.
fn replace_number(dice: &mut Dice<'_>, line: &mut Vec<u8>) {
    let starts: Vec<usize> =
        (1..line.len()).filter(|at| line[*at].is_ascii_digit() && line[at - 1] == b':').collect();
    if starts.is_empty() {
        return;
    }
    let start = *dice.pick(&starts);
    let length = line[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let numbers = ["0", "1", "-1", "18446744073709551615", "9223372036854775808", "1e3", "null"];
    line.splice(start..start + length, dice.pick(&numbers).bytes());
}
