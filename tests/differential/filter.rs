//! The filter with its optimisations on and off: threads, chunk sizes, ways to hold the index, against one
//! look-up after the other with the general normalisation and with the digests that the crates give.

use super::plain;
use proptest::prelude::*;
use quell::address::digest::Forms;
use quell::address::{InvalidAddress, KeyBuffer, Policy, several};
use quell::delimited::{Limits, skip_byte_order_mark};
use quell::filter::{ColumnChoice, Filter, Options};
use quell::index::{
    Batch, Committed, Index, IndexIdentity, KeyHasher, Overlay, Position, Presence, SecretKey,
    Snapshot,
};
use quell::record::domain_rule::covering;
use quell::record::state::EntryState;
use quell::record::{
    Algorithm, Blocks, Class, DigestBlocks, DomainBlocks, Reason, RecordClass, Timestamp,
};
use quell::segment::{Hash, Identity};
use quell::storage::{Access, Disk};
use sha1::Digest as _;
use std::path::Path;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_micros(1_000);
const SUPPRESSED: u32 = 3_000;
/// The list that every file is sent for.
const LIST: &str = "news";

fn address(number: u32) -> String {
    format!("reader.{number}@mail{}.example.org", number % 7)
}

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([9; 16]))
}

fn digest(algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Md5 => md5::Md5::digest(text).to_vec(),
        Algorithm::Sha1 => sha1::Sha1::digest(text).to_vec(),
        Algorithm::Sha256 => sha2::Sha256::digest(text).to_vec(),
        Algorithm::Sha512 => sha2::Sha512::digest(text).to_vec(),
    }
}

/// Domain rules, and digests of every algorithm: of the lower case, of the case kept, for a list, of a cell as
/// it stands in a file.
fn others(hasher: &KeyHasher) -> Vec<(Hash, u16)> {
    let mut entries = vec![
        (hasher.presence(Presence::DomainRules), 1),
        (hasher.domain_rule(b"mail3.example.org"), DomainBlocks::DOMAIN.to_bits()),
        (hasher.domain_rule(b"example.org"), DomainBlocks::DOMAIN.to_bits()),
        (
            hasher.domain_rule(b"example.net"),
            DomainBlocks::SUBDOMAINS.union(DomainBlocks::DOMAIN).to_bits(),
        ),
    ];
    let bulk = DigestBlocks::of(RecordClass::Bulk).to_bits();
    for algorithm in Algorithm::ALL {
        entries.push((hasher.presence(Presence::Digests(algorithm)), 1));
        let first = SUPPRESSED + 200 * u32::from(algorithm.number());
        for number in first..first + 100 {
            let text = match number % 4 {
                0 => address(number).to_uppercase(),
                1 => format!(" {} ", address(number)),
                _ => address(number),
            };
            let digest = digest(algorithm, text.as_bytes());
            let (hash, on_list) = (
                hasher.digest(algorithm, &digest),
                hasher.digest_on_list(LIST.as_bytes(), algorithm, &digest),
            );
            if number % 3 == 0 {
                entries.push((hash, DigestBlocks::HAS_LISTS.to_bits()));
                entries.push((on_list, bulk));
            } else {
                entries.push((hash, bulk));
            }
        }
    }
    entries
}

/// An index in several segments: a base, a newer one that lifts and adds, and entries that expire. With
/// everything there is to look up, or with addresses alone.
fn index(directory: &Path, access: Access, everything: bool) -> Snapshot {
    let hasher = hasher();
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
    let hash = |number: u32| hasher.address(address(number).as_bytes());
    let blocked = EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] };
    let mut batch = Batch::default();
    for number in 0..SUPPRESSED {
        batch.push(hash(number), &blocked);
    }
    let others = if everything { others(&hasher) } else { Vec::new() };
    let (in_base, in_newer) = others.split_at(others.len() / 2);
    for (hash, bits) in in_base {
        batch.push(*hash, &EntryState { blocks: Blocks::from_bits(*bits), expiries: vec![] });
    }
    let disk = Arc::new(Disk::create_at(directory).unwrap());
    let at = Position { generation: 1, cursor: 1, mark: 1 };
    let mut index = Index::rebuild(disk, identity, access, batch, at, NOW).unwrap();
    let mut newer = Batch::default();
    for number in 0..50 {
        // The empty state is a tombstone: these were lifted.
        newer.push(hash(number * 3), &EntryState { blocks: Blocks::NONE, expiries: vec![] });
        newer.push(hash(SUPPRESSED + number), &blocked);
    }
    for (hash, bits) in in_newer {
        newer.push(*hash, &EntryState { blocks: Blocks::from_bits(*bits), expiries: vec![] });
    }
    let next = Position { generation: 2, cursor: 2, mark: 2 };
    assert_eq!(index.commit(newer, at.cursor, next, NOW).unwrap(), Committed::Written);
    index.snapshot(Overlay::new(), next)
}

/// Rows with the address in column 2, as people and programs write them.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let row = (0..SUPPRESSED * 2, 0..18_u8).prop_map(|(number, form)| {
        let address = address(number);
        let other = format!("reader{number}@other.example");
        match form {
            12 => format!("{number},{other}; {address}\n"),
            13 => format!("{number},\"\"\"Reader; B\"\" <{address}>, {other}\"\r\n"),
            14 => format!("{number},{other};nobody;\n"),
            15 => format!(
                "{number},reader@sub.{}.example.net\n",
                "x".repeat(usize::try_from(number % 64).unwrap())
            ),
            16 => format!(
                "{number},\"{}\"\n",
                address.replace("reader", &"long".repeat(usize::try_from(number % 16).unwrap()))
            ),
            0 => format!("{number},{}\r\n", address.to_uppercase()),
            1 => format!("\"{number}\",\"{address}\",\"quoted, \"\"twice\"\"\"\n"),
            2 => format!("{number},\"Reader, A <{address}>\"\n"),
            3 => format!("5\" tape,{address},6\"\n"),
            4 => format!("{number}, {address} \n"),
            5 => format!("{number},nobody,\n"),
            6 => format!("{number}\n\n"),
            7 => format!("{number},mailto:{address}\r"),
            8 => format!("{number},\"{}\"\"x\"\n", address.to_uppercase()),
            _ => format!(
                "{number},{address},plain,{}\n",
                "x".repeat(usize::try_from(number % 90).unwrap())
            ),
        }
    });
    prop::collection::vec(row, 0..120).prop_map(|rows| rows.concat().into_bytes())
}

/// Says whether something withholds a row with this cell.
fn is_withheld(snapshot: &Snapshot, cell: &[u8]) -> bool {
    match Policy::default().key_without_shortcut(cell, &mut KeyBuffer::default()) {
        Err(InvalidAddress::SeveralAddresses) => {
            let mut parts = several(cell).peekable();
            parts.peek().is_none() || parts.any(|part| is_address_withheld(snapshot, part))
        }
        _ => is_address_withheld(snapshot, cell),
    }
}

/// Says whether something withholds one address, by one look-up after the other.
fn is_address_withheld(snapshot: &Snapshot, cell: &[u8]) -> bool {
    let (hasher, mut buffer) = (hasher(), KeyBuffer::default());
    let Ok(key) = Policy::default().key_without_shortcut(cell, &mut buffer) else { return true };
    let bits = |hash| snapshot.get(hash, NOW).to_bits();
    let by_domain = covering(key.domain()).enumerate().any(|(parents, domain)| {
        let wanted = if parents == 0 { DomainBlocks::DOMAIN } else { DomainBlocks::SUBDOMAINS };
        DomainBlocks::from_bits(bits(hasher.domain_rule(domain))).contains(wanted)
    });
    let by_digest = Algorithm::ALL.iter().any(|&algorithm| {
        Forms::of(cell).iter().any(|form| {
            let digest = digest(algorithm, form);
            let everywhere = DigestBlocks::from_bits(bits(hasher.digest(algorithm, &digest)));
            let on_list = hasher.digest_on_list(LIST.as_bytes(), algorithm, &digest);
            everywhere.withholds(Class::Bulk)
                || DigestBlocks::from_bits(bits(on_list)).withholds(Class::Bulk)
        })
    });
    let blocks = snapshot.get(hasher.address(key.as_bytes()), NOW);
    by_domain || by_digest || !blocks.reasons(Class::Bulk).is_empty()
}

/// What is kept, one row after the other: the general normalisation, one look-up, one copy.
fn one_by_one(snapshot: &Snapshot, text: &[u8]) -> Vec<u8> {
    let (mut kept, mut at) = (Vec::new(), 0);
    for record in plain::records(text, skip_byte_order_mark(text), b',').unwrap() {
        let cell = record.cells.get(1).map(Vec::as_slice).unwrap_or_default();
        let clear = !is_withheld(snapshot, cell);
        // What stands between rows is kept with whatever follows.
        kept.extend_from_slice(&text[at..if clear { record.end } else { record.start }]);
        at = record.end;
    }
    kept.extend_from_slice(&text[at..]);
    kept
}

fn filter(snapshot: &Snapshot, text: &[u8], threads: usize, chunk_bytes: usize) -> Vec<u8> {
    let hasher = hasher();
    let options = Options {
        email_columns: vec![ColumnChoice("2".to_owned())],
        lists: vec![LIST.to_owned()],
        header: false,
        threads,
        limits: Limits { chunk_bytes, ..Limits::default() },
        now: NOW,
        ..Options::default()
    };
    let policy = Policy::default();
    let filter = Filter { snapshot, hasher: &hasher, policy, options: &options };
    let (mut kept, mut withheld) = (Vec::new(), None::<&mut Vec<u8>>);
    filter.run(text, &mut kept, withheld.take(), &|_| {}).unwrap();
    kept
}

#[test]
fn every_way_keeps_the_same_bytes() {
    // Digests are slow in a build without optimisations.
    for (everything, cases) in [(false, 200), (true, 60)] {
        let directory = tempfile::tempdir().unwrap();
        let mapped = index(&directory.path().join("mapped"), Access::Map, everything);
        let resident = index(&directory.path().join("resident"), Access::Resident, everything);
        let config =
            ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
        proptest!(config, |(text in files(), threads in 1..5_usize, chunk_bytes in 1..3000_usize)| {
            // The first row says how many columns there are, and two are needed.
            let text = [b"0,x\n".to_vec(), text].concat();
            let expected = one_by_one(&mapped, &text);
            for snapshot in [&mapped, &resident] {
                prop_assert_eq!(&filter(snapshot, &text, 1, 1 << 20), &expected, "one thread, one chunk");
                prop_assert_eq!(&filter(snapshot, &text, 1, 1), &expected, "the smallest chunks");
                let many = filter(snapshot, &text, threads, chunk_bytes);
                prop_assert_eq!(&many, &expected, "{} threads, chunks of {}", threads, chunk_bytes);
            }
        });
    }
}
