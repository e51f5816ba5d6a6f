//! The table of cases people argue about: `data/golden/normalize.tsv`.

use super::{InvalidAddress, KeyBuffer, Policy};
use std::collections::BTreeSet;

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/golden/normalize.tsv"));

/// A row: the cell, the key or `!code`, and why it's there.
fn rows() -> impl Iterator<Item = (Vec<u8>, Vec<u8>, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        let [Some(cell), Some(key), Some(why), None] = std::array::from_fn(|_| columns.next())
        else {
            panic!("three columns expected: {line}");
        };
        (unescape(cell), unescape(key), why)
    })
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = &escape[1..];
        match escape.as_bytes()[0] {
            b't' => bytes.push(b'\t'),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b'\\' => bytes.push(b'\\'),
            b'u' => {
                let hex = braced(&mut rest);
                let c = char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
                bytes.extend_from_slice(c.to_string().as_bytes());
            }
            b'x' => bytes.push(u8::from_str_radix(braced(&mut rest), 16).unwrap()),
            b'*' => {
                let (unit, count) = braced(&mut rest).rsplit_once('*').unwrap();
                bytes.extend(unescape(unit).repeat(count.parse().unwrap()));
            }
            other => panic!("unknown escape `{}` in {text}", other as char),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Takes `{…}` off the front of `rest` and gives what is inside; braces nest.
fn braced<'a>(rest: &mut &'a str) -> &'a str {
    let mut depth = 0;
    let end = rest.find(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    let (inside, after) = rest.split_at(end.unwrap());
    *rest = &after[1..];
    &inside[1..]
}

#[test]
fn every_golden_row_gives_its_key_on_both_paths() {
    let mut wrong = Vec::new();
    let mut buffer = KeyBuffer::new();
    for (cell, expected, why) in rows() {
        for path in [Policy::key, Policy::key_without_shortcut] {
            let found = match path(&Policy::EXACT, &cell, &mut buffer) {
                Ok(key) => key.as_bytes().to_vec(),
                Err(fault) => format!("!{}", fault.as_str()).into_bytes(),
            };
            if found != expected {
                wrong.push(format!("{why}: {} for {}", found.escape_ascii(), cell.escape_ascii()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_table_shows_every_fault_and_no_real_address() {
    let faults = [
        InvalidAddress::Empty,
        InvalidAddress::NotUtf8,
        InvalidAddress::TooLong,
        InvalidAddress::NoAtSign,
        InvalidAddress::SecondAtSign,
        InvalidAddress::SeveralAddresses,
        InvalidAddress::UnpairedBracket,
        InvalidAddress::UnclosedQuote,
        InvalidAddress::StrayQuote,
        InvalidAddress::EmptyLocal,
        InvalidAddress::ForbiddenInLocal,
        InvalidAddress::LocalTooLong,
        InvalidAddress::EmptyDomain,
        InvalidAddress::ForbiddenInDomain,
        InvalidAddress::EmptyLabel,
        InvalidAddress::LabelTooLong,
        InvalidAddress::InvalidLiteral,
        InvalidAddress::DomainTooLong,
        InvalidAddress::AddressTooLong,
    ];
    let all: BTreeSet<_> = faults.iter().map(|fault| format!("!{}", fault.as_str())).collect();
    let mut shown = BTreeSet::new();
    for (_, key, why) in rows() {
        let key = String::from_utf8(key).unwrap();
        if let Some((_, domain)) = key.rsplit_once('@') {
            let reserved = [".example", ".test", "example.com", "localhost"]
                .iter()
                .any(|end| domain.ends_with(end))
                || ["192.0.2.", "2001:db8::"].iter().any(|net| domain.contains(net));
            assert!(reserved, "{why}: {domain}");
        } else {
            shown.insert(key);
        }
    }
    assert_eq!(shown, all);
}
