//! Side by side is as one after the other, and fast is as plain.

use super::*;
use crate::address::{KeyBuffer, Policy};
use crate::index::{Batch, Index, IndexIdentity, Overlay, Position, Presence, SecretKey, Snapshot};
use crate::record::state::EntryState;
use crate::record::{Blocks, Timestamp};
use crate::segment::Identity;
use crate::storage::{Access, Memory};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([3; 16]))
}

/// A snapshot that says it holds digests of these algorithms.
fn holding(algorithms: &[Algorithm]) -> Snapshot {
    let hasher = hasher();
    let state = EntryState { blocks: Blocks::from_bits(1), expiries: vec![] };
    let mut batch = Batch::default();
    for algorithm in algorithms {
        batch.push(hasher.presence(Presence::Digests(*algorithm)), &state);
    }
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
    let (directory, at) = (Arc::new(Memory::new()), Position::default());
    let now = Timestamp::from_micros(0);
    let index = Index::rebuild(directory, identity, Access::Map, batch, at, now).unwrap();
    index.snapshot(Overlay::new(), at)
}

/// The digest of one lane.
fn lane(digests: &[[u32; LANES]; 4], lane: usize) -> Vec<u8> {
    digests.iter().flat_map(|words| words[lane].to_le_bytes()).collect()
}

fn message(length: usize, salt: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + salt * 97 + length) % 256).unwrap()).collect()
}

/// Eight messages of one length, each other bytes; compared with the crate's digests.
fn compare<const BLOCKS: usize>(length: usize) {
    let messages: Vec<_> = (0..LANES).map(|salt| message(length, salt)).collect();
    let padded: Vec<_> = messages.iter().map(|text| md5::blocks::<BLOCKS>(text).unwrap()).collect();
    let found = md5::digests(padded[..].try_into().unwrap());
    for (at, text) in messages.iter().enumerate() {
        let expected = Algorithm::Md5.digest(text);
        assert_eq!(lane(&found, at), expected.as_bytes(), "{length} bytes, lane {at}");
    }
}

#[test]
fn lanes_give_the_digests_of_md_5_for_every_length() {
    for length in 0..300 {
        match length {
            0..=55 => compare::<1>(length),
            56..=119 => compare::<2>(length),
            120..=183 => compare::<3>(length),
            184..=247 => compare::<4>(length),
            _ => compare::<5>(length),
        }
        let blocks = [
            md5::blocks::<1>(&message(length, 0)).is_some(),
            md5::blocks::<2>(&message(length, 0)).is_some(),
        ];
        assert_eq!(blocks, [length < 56, (56..120).contains(&length)], "{length}");
    }
}

#[test]
fn messages_of_mixed_lengths_stand_side_by_side() {
    let lengths = [0, 1, 54, 55, 7, 8, 31, 32];
    let padded = lengths.map(|length| md5::blocks::<1>(&message(length, length)).unwrap());
    let found = md5::digests(&padded);
    for (at, length) in lengths.into_iter().enumerate() {
        let expected = Algorithm::Md5.digest(&message(length, length));
        assert_eq!(lane(&found, at), expected.as_bytes(), "{length} bytes");
    }
}

#[test]
fn a_message_cut_from_its_room_is_the_same() {
    let room: [u8; BLOCK_BYTES] = message(BLOCK_BYTES, 5).try_into().unwrap();
    for length in 0..=BLOCK_BYTES {
        let cut = Short::new(&room, length);
        assert_eq!(cut.is_some(), length < 56, "{length}");
        let Some(cut) = cut else { continue };
        assert_eq!(cut.as_bytes(), &room[..length]);
        assert_eq!(cut.is_ascii(), room[..length].is_ascii());
        assert_eq!(Some(cut.block()), md5::blocks(&room[..length]), "{length}");
        let at_end = short_at_end(&room[..length], length).unwrap();
        assert_eq!(at_end.block(), cut.block());
    }
}

/// Cells as they are written: plain, capital, long, with things around them, of other scripts, and none.
fn cell() -> impl Strategy<Value = Vec<u8>> {
    let local = prop_oneof![
        4 => "[a-z.]{1,12}", 2 => "[a-zA-Z.]{1,12}", 1 => "[a-z]{30,70}", 1 => "[éÉa-z]{1,4}", 1 => "[a-z`@{\\[]{1,5}",
    ];
    let domain = prop_oneof![
        4 => Just("example.com".to_owned()), 2 => Just("Example.ORG".to_owned()), 1 => "[a-z]{20,60}\\.test\\.?",
        1 => Just("bücher.test".to_owned()), 1 => Just("[192.0.2.1]".to_owned()),
    ];
    let around = prop::sample::select(vec![
        ("", ""),
        ("", ""),
        ("", ""),
        (" ", ""),
        ("", "\t "),
        ("Ann <", ">"),
        ("\"Ann, B\" <", ">"),
        ("mailto:", ""),
        ("<", "> "),
    ]);
    let whole = (local, domain, around)
        .prop_map(|(local, domain, (before, behind))| format!("{before}{local}@{domain}{behind}"));
    prop_oneof![9 => whole.prop_map(String::into_bytes), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

/// What the plain way gives of a cell.
fn plain(algorithms: &[Algorithm], number: u32, cell: &[u8]) -> Vec<(u32, Hash)> {
    let forms = Forms::of(cell);
    let of_form = |form: &[u8]| -> Vec<Hash> {
        let hash =
            |algorithm: &Algorithm| hasher().digest(*algorithm, algorithm.digest(form).as_bytes());
        algorithms.iter().map(hash).collect()
    };
    forms.iter().flat_map(of_form).map(|hash| (number, hash)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever waits with whatever else, with and without text behind the cell: the digests of the forms.
    #[test]
    fn every_form_of_every_cell_is_digested(
        cells in prop::collection::vec(cell(), 0..40),
        chosen in prop::sample::subsequence(Algorithm::ALL.to_vec(), 1..=4),
        behind in 0..100_usize,
    ) {
        let (snapshot, hasher, mut buffer) = (holding(&chosen), hasher(), KeyBuffer::new());
        let wanted = Wanted { present: Present::of(&snapshot, &hasher), hasher: &hasher };
        let (mut digests, mut expected) = (Digests::new(), BTreeSet::new());
        for (number, cell) in (0..).zip(&cells) {
            let text = [&cell[..], &[b'x'; 100][..behind]].concat();
            match Policy::EXACT.key_in(&text, 0..cell.len(), &mut buffer) {
                Ok(key) => digests.add(wanted, number, &text, cell.len(), key),
                Err(_) => digests.add_cell(wanted, number, cell),
            }
            expected.extend(plain(&chosen, number, cell));
        }
        let hashes = digests.finish(wanted).to_vec();
        let found: BTreeSet<_> = digests.places().iter().copied().zip(hashes.iter().copied()).collect();
        prop_assert_eq!(hashes.len(), digests.places().len());
        prop_assert_eq!(found, expected);
    }
}
