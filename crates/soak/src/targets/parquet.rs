//! Parquet files to filter.

use quell::ErrorKind;
use quell::address::Policy;
use quell::filter::{ColumnChoice, Filter, OnInvalid, Options, Tally, spool};
use quell::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::Identity;
use quell::storage::{Access, Memory};
use std::sync::{Arc, LazyLock, Once};

static INDEX: LazyLock<Option<(Snapshot, KeyHasher)>> = LazyLock::new(|| {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([3; 16]));
    let state = EntryState { blocks: Blocks::of(Reason::Manual, None), expiries: vec![] };
    let mut batch = Batch::default();
    for number in 0..5 {
        batch.push(hasher.address(format!("a{number}@example.com").as_bytes()), &state);
    }
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "fuzz".to_owned(), segment };
    let (at, now) = (Position::default(), Timestamp::from_micros(0));
    let index = Index::rebuild(Arc::new(Memory::new()), identity, Access::Map, batch, at, now);
    index.ok().map(|index| (index.snapshot(Overlay::new(), at), hasher))
});

/// A panic of the decoder that becomes an error is none: libFuzzer would end at it.
fn let_errors_pass() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !quell::filter::panics_are_errors() {
                before(panic);
            }
        }));
    });
}

/// What came of a file.
struct Split {
    tally: Tally,
    kept: Vec<u8>,
    withheld: Vec<u8>,
}

/// Filters a file; the withheld rows are written only when they are `wanted`.
fn split(bytes: &[u8], options: &Options, wanted: bool) -> quell::Result<Split> {
    let Some((snapshot, hasher)) = &*INDEX else { panic!("no index to ask") };
    let policy = Policy::default();
    let filter = Filter { snapshot, hasher, policy, options };
    let (mut kept, mut withheld) = (Vec::new(), Vec::new());
    let file = spool(bytes, "fuzz.parquet")?;
    let out = wanted.then_some(&mut withheld);
    let tally = filter.run_parquet(file, &mut kept, out, &|_| {})?.tally;
    assert_eq!(tally.read, tally.kept + tally.withheld);
    Ok(Split { tally, kept, withheld })
}

/// A Parquet file is refused, or split into two that can be read again and hold its rows: those kept are kept
/// once more, those withheld are withheld.
///
/// The first byte chooses what is asked for.
pub fn parquet(data: &[u8]) {
    let [choice, bytes @ ..] = data else { return };
    let_errors_pass();
    let column = ["email", "1", "2", "contact.email"][usize::from(choice & 3)];
    let options = Options {
        input_name: "fuzz.parquet".to_owned(),
        email_columns: vec![ColumnChoice(column.to_owned())],
        invalid: if choice & 4 == 0 { OnInvalid::Withhold } else { OnInvalid::Keep },
        threads: 1,
        ..Options::default()
    };
    let first = match split(bytes, &options, true) {
        Ok(first) => first,
        Err(error) => {
            let known = [ErrorKind::Input, ErrorKind::Usage, ErrorKind::Untrusted];
            assert!(known.contains(&error.kind()), "{error}");
            return;
        }
    };
    let again = |file: &[u8], kept: u64, withheld: u64| match split(file, &options, false) {
        Ok(Split { tally, .. }) => assert_eq!((tally.kept, tally.withheld), (kept, withheld)),
        Err(error) => panic!("what was written can't be read: {error}"),
    };
    again(&first.kept, first.tally.kept, 0);
    again(&first.withheld, 0, first.tally.withheld);
}
