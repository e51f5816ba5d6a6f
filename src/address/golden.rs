//! The table of cases people argue about: `data/golden/normalize.tsv`.

use super::{InvalidAddress, KeyBuffer, Policy};
use std::collections::BTreeSet;

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/golden/normalize.tsv"));

/// A row: the policy, the cell, the key or `!code`, and why it's there.
fn rows() -> impl Iterator<Item = (Policy, Vec<u8>, Vec<u8>, &'static str)> {
    let mut policy = Policy::EXACT;
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        if let Some(name) = line.strip_prefix("= ") {
            policy = name.parse().unwrap();
            return None;
        }
        let mut columns = line.split('\t');
        let [Some(cell), Some(key), Some(why), None] = std::array::from_fn(|_| columns.next())
        else {
            panic!("three columns expected: {line}");
        };
        Some((policy, unescape(cell), unescape(key), why))
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
    for (policy, cell, expected, why) in rows() {
        for path in [Policy::key, Policy::key_without_shortcut] {
            let found = match path(&policy, &cell, &mut buffer) {
                Ok(key) => key.as_bytes().to_vec(),
                Err(fault) => format!("!{}", fault.as_str()).into_bytes(),
            };
            if found != expected {
                wrong.push(format!("{why}: {} for {}", found.escape_ascii(), cell.escape_ascii()));
            }
        }
        let explained =
            policy.explain(&cell).outcome.map_err(|fault| format!("!{}", fault.as_str()));
        assert_eq!(explained.unwrap_or_else(|code| code).into_bytes(), expected, "{why}");
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_policy_of_one_widening_and_of_all_has_rows() {
    let shown: BTreeSet<_> = rows().map(|(policy, ..)| policy.id()).collect();
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), [0, 1, 2, 4, 8, 15]);
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
    for (policy, _, key, why) in rows() {
        let key = String::from_utf8(key).unwrap();
        if let Some((_, domain)) = key.rsplit_once('@') {
            let reserved = [".example", ".test", "example.com", "localhost"]
                .iter()
                .any(|end| domain.ends_with(end))
                || ["192.0.2.", "2001:db8::"].iter().any(|net| domain.contains(net));
            // The providers that widenings are about.
            let known = ["gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "ymail.com"];
            let known = known.iter().any(|name| domain.ends_with(name));
            assert!(reserved || known, "{why}: {domain}, {policy}");
        } else {
            shown.insert(key);
        }
    }
    assert_eq!(shown, all);
}
