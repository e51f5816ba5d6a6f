//! Other projects' test suites for addresses, run against quell's keys.
//!
//! quell does not validate addresses: it asks whether one can be looked up, and takes what senders really hold.
//! So it decides otherwise in places, and each such place stands in `deviations.tsv` with what quell does and why.
//! A verdict that changes, in either direction, fails here. The corpora and their licences are in
//! `tests/conformance/`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use quell::address::{KeyBuffer, Policy};
use std::collections::BTreeMap;

const DEVIATIONS: &str = include_str!("conformance/deviations.tsv");

/// A case of a corpus: its number, the address, and what the corpus says of it: a normal form, or `None`.
struct Case {
    number: String,
    address: String,
    expected: Option<String>,
    policy: Policy,
}

fn lines(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let (c, after) = escape.split_at(1);
        rest = after;
        plain.push(match c {
            "t" => '\t',
            "n" => '\n',
            "r" => '\r',
            "\\" => '\\',
            "u" => {
                let (hex, after) = after[1..].split_once('}').unwrap();
                rest = after;
                char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap()
            }
            other => panic!("unknown escape `{other}` in {text}"),
        });
    }
    plain + rest
}

/// The key under `policy`, or `!` and the code of the fault.
fn verdict(policy: Policy, address: &str) -> String {
    let mut buffer = KeyBuffer::new();
    match policy.key(address.as_bytes(), &mut buffer) {
        Ok(key) => key.as_str().to_owned(),
        Err(fault) => format!("!{}", fault.as_str()),
    }
}

/// Holds each case to its corpus, or to the deviation that is written down.
#[track_caller]
fn assert_conforms(corpus: &str, cases: impl Iterator<Item = Case>) {
    let mut deviations: BTreeMap<&str, String> = lines(DEVIATIONS)
        .filter(|columns| columns[0] == corpus)
        .map(|columns| (columns[1], unescape(columns[2])))
        .collect();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases {
        count += 1;
        let found = verdict(case.policy, &case.address);
        let agrees = match &case.expected {
            // quell lowers every local part, and spells the tag of an IPv6 literal in lower case.
            Some(normal) => found.to_lowercase() == normal.to_lowercase(),
            None => found.starts_with('!'),
        };
        let right = match deviations.remove(case.number.as_str()) {
            Some(deviation) => !agrees && deviation == found,
            None => agrees,
        };
        if !right {
            let Case { number, address, expected, .. } = case;
            wrong.push(format!("{corpus}\t{number}\t{found:?}\tfor {address:?}: {expected:?}"));
        }
    }
    assert!(count > 50, "{count} cases");
    assert!(deviations.is_empty(), "deviations of cases that are not there: {deviations:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn email_validators_cases() {
    let cases = lines(include_str!("conformance/email-validator.tsv")).map(|columns| Case {
        number: columns[0].to_owned(),
        address: unescape(columns[1]),
        expected: (columns[2] != "invalid").then(|| unescape(columns[2])),
        policy: Policy::EXACT,
    });
    assert_conforms("email-validator", cases);
}

/// is_email grades: what RFC 5321 lets a mail server take is an address, and all else is none.
#[test]
fn is_emails_cases() {
    let cases = lines(include_str!("conformance/isemail.tsv")).map(|columns| {
        let address = unescape(columns[1]);
        let diagnosis = columns[2];
        let is_address = diagnosis == "ISEMAIL_VALID"
            || diagnosis.starts_with("ISEMAIL_RFC5321_")
            || diagnosis.starts_with("ISEMAIL_DNSWARN_");
        Case {
            number: columns[0].to_owned(),
            expected: is_address.then(|| unquoted(&address)),
            address,
            policy: Policy::EXACT,
        }
    });
    assert_conforms("isemail", cases);
}

/// is_email has no normal form; the cases it grades as addresses are their own, but for needless quotes and
/// escapes.
fn unquoted(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let local = match local {
        "\"test\"" => "test",
        "\"\\a\"" => "a",
        "\"test\\ test\"" => "\"test test\"",
        other => other,
    };
    format!("{local}@{domain}")
}

#[test]
fn validator_js_normalize_email_cases() {
    let cases = lines(include_str!("conformance/validator-js.tsv")).map(|columns| Case {
        number: columns[0].to_owned(),
        address: unescape(columns[1]),
        expected: (columns[2] != "invalid").then(|| unescape(columns[2])),
        policy: columns[3].parse().unwrap(),
    });
    assert_conforms("validator-js", cases);
}

#[test]
fn every_deviation_says_why() {
    for columns in lines(DEVIATIONS) {
        assert_eq!(columns.len(), 4, "{columns:?}");
        assert!(columns[3].len() > 10, "{columns:?}");
    }
}
