//! The filter of JSON lines against every line read whole, one after the other.

use quell::ErrorKind;
use quell::address::{KeyBuffer, Policy};
use quell::delimited::Limits;
use quell::filter::{ColumnChoice, Filter, Options};
use quell::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::Identity;
use quell::storage::{Access, Memory};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

const SUPPRESSED: [&str; 2] = ["ann@example.com", "bob@example.com"];

static INDEX: LazyLock<(Snapshot, KeyHasher)> = LazyLock::new(|| {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([3; 16]));
    let blocked = EntryState { blocks: Blocks::of(Reason::Manual, None), expiries: vec![] };
    let mut batch = Batch::default();
    for address in SUPPRESSED {
        batch.push(hasher.address(address.as_bytes()), &blocked);
    }
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
    let (directory, at, now) =
        (Arc::new(Memory::new()), Position::default(), Timestamp::from_micros(0));
    let index = Index::rebuild(directory, identity, Access::Map, batch, at, now).unwrap();
    (index.snapshot(Overlay::new(), at), hasher)
});

/// The members of an object, all of them.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Gather;
        impl<'de> Visitor<'de> for Gather {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = entries.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Gather)
    }
}

/// The texts that a value gives as addresses.
fn addresses(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match value {
        Value::Array(values) if values.is_empty() => vec![String::new()],
        Value::Array(values) => values.iter().map(one).collect(),
        value => vec![one(value)],
    }
}

/// What is kept of `text`: `None` when a line can't be read whole, or an address is written in a way that
/// is not this test's business.
fn expected(text: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mark = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut kept = text[..mark].to_vec();
    let mut any = false;
    let mut key = KeyBuffer::default();
    let mut lines = 0;
    for line in text[mark..].split_inclusive(|byte| *byte == b'\n') {
        if line.iter().all(|byte| b" \t\r\n".contains(byte)) {
            kept.extend_from_slice(line);
            continue;
        }
        let Pairs(pairs) = serde_json::from_slice(line).ok()?;
        let mut cells: Vec<String> = Vec::new();
        pairs.iter().filter(|(name, _)| name == "email").for_each(|(_, value)| {
            cells.extend(addresses(value));
        });
        any |= !cells.is_empty();
        lines += 1;
        if cells.is_empty() {
            cells.push(String::new());
        }
        if cells.iter().any(|cell| cell.contains([',', ';'])) {
            return None;
        }
        let clear = cells.iter().all(|cell| {
            let key = Policy::default().key(cell.as_bytes(), &mut key);
            key.is_ok_and(|key| SUPPRESSED.iter().all(|other| other.as_bytes() != key.as_bytes()))
        });
        if clear {
            kept.extend_from_slice(line);
        }
    }
    Some((kept, any || lines == 0))
}

/// Holds the filter of `text` to what reading its lines whole gives.
pub(crate) fn agree(text: &[u8], chunk_bytes: usize) {
    let (snapshot, hasher) = &*INDEX;
    let limits = Limits { chunk_bytes, ..Limits::default() };
    let email_columns = vec![ColumnChoice("email".to_owned())];
    let options = Options { limits, threads: 2, email_columns, ..Options::default() };
    let policy = Policy::default();
    let filter = Filter { snapshot, hasher, policy, options: &options };
    let mut kept = Vec::new();
    let ran = filter.run_ndjson(text, &mut kept, None::<&mut Vec<u8>>, &|_| {});
    let utf16 = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    if let Err(error) = &ran
        && error.to_string().contains("nothing but blank lines")
    {
        // A whole chunk of them is refused, and a chunk here is some bytes.
        return;
    }
    match (ran, expected(text)) {
        (Ok((summary, _)), Some((expected, true))) => {
            assert_eq!(String::from_utf8_lossy(&kept), String::from_utf8_lossy(&expected));
            let tally = summary.tally;
            assert_eq!(tally.read, tally.kept + tally.withheld);
        }
        (Err(error), Some((_, false))) => assert_eq!(error.kind(), ErrorKind::Usage, "{error}"),
        (Err(error), None) => {
            assert!([ErrorKind::Usage, ErrorKind::Input].contains(&error.kind()), "{error}");
        }
        // What is skipped may hold what a whole reading refuses, as long as it is text.
        (Ok(_), None) => assert!(std::str::from_utf8(text).is_ok()),
        (Ok(_), Some((_, false))) => unreachable!("a member that no line has"),
        (Err(error), Some((_, true))) => assert!(utf16, "{error}"),
    }
}

#[cfg(test)]
mod cases {
    use super::agree;
    use proptest::prelude::*;

    /// Lines as programs write them, and as nobody does.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let address = prop::sample::select(vec![
            "\"ann@example.com\"",
            "\"An\\u006e <ANN\\u0040example.com>\"",
            "\"cat@example.com\"",
            "\"dan@b\\u00fccher.example.com\"",
            "\"\\ud83d\\ude00@example.com\"",
            "[\"cat@example.com\",\"bob@example.com\"]",
            "[\"cat@example.com\"]",
            "[]",
            "null",
            "1.5e3",
            "{\"email\":\"cat@example.com\"}",
            "\"\\ud800@example.com\"",
        ]);
        let name =
            prop::sample::select(vec!["email", "\\u0065mail", "Email", "x", "e\\u006dai\\u006C"]);
        let member = (name, address).prop_map(|(name, value)| format!("\"{name}\": {value}"));
        let members = prop::collection::vec(member, 0..4).prop_map(|members| members.join(" ,"));
        let line = (members, 0..30_u8).prop_map(|(members, form)| match form {
            0 => String::new(),
            1 => format!("{{{members}}} x"),
            2 => format!("[{{{members}}}]"),
            3 => format!("{{{members}"),
            4 => " \t".to_owned(),
            _ => format!(" {{{members}}}\r"),
        });
        let lines =
            prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n").into_bytes());
        (lines, 0..200_usize, any::<u8>()).prop_map(|(mut text, at, byte)| {
            // Now and then a byte that does not belong there.
            if byte.is_multiple_of(8)
                && let Some(place) = text.get_mut(at)
            {
                *place = byte;
            }
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

        #[test]
        fn lines_are_kept_as_whole_reading_says(text in texts(), chunk_bytes in 1..300_usize) {
            agree(&text, chunk_bytes);
        }
    }
}
