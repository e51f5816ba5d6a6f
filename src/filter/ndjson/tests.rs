//! The same rows as CSV and as NDJSON are kept and withheld alike, and every trap of JSON is withheld or refused.

use super::super::tests::snapshot;
use super::super::{ColumnChoice, Filter, OnInvalid, Options, Tally};
use crate::address::Policy;
use crate::delimited::Limits;
use crate::error::{Error, ErrorKind};
use proptest::prelude::*;

fn run(text: &[u8], options: &Options) -> Result<(Vec<u8>, Vec<u8>, Tally), Error> {
    let (snapshot, hasher) = snapshot();
    let policy = Policy::default();
    let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options };
    let (mut kept, mut withheld) = (Vec::new(), Vec::new());
    let (summary, _) = filter.run_ndjson(text, &mut kept, Some(&mut withheld), &|_| {})?;
    Ok((kept, withheld, summary.tally))
}

fn columns(emails: &[&str]) -> Options {
    let email_columns = emails.iter().map(|name| ColumnChoice((*name).to_owned())).collect();
    Options { email_columns, ..Options::default() }
}

/// What is kept of `text` when `email` is asked for.
#[track_caller]
fn kept(text: &str, email: &str) -> String {
    String::from_utf8(run(text.as_bytes(), &columns(&[email])).unwrap().0).unwrap()
}

#[track_caller]
fn refused(text: &[u8], options: &Options, kind: ErrorKind, words: &str) {
    let error = run(text, options).unwrap_err();
    let told = error.to_string();
    assert!(told.contains(words), "{told}");
    assert_eq!(error.kind(), kind, "{told}");
}

const CLEAR: &str = "{\"email\":\"b@example.com\"}\n";

#[test]
fn kept_lines_are_the_bytes_of_the_input() {
    let text = "\u{feff} {\"email\" : \"b@example.com\"} \r\n\r\n  \n{\"email\":\"A1@Example.com\"}\r\n\n{\"email\":\"c@example.com\"}";
    let (kept, withheld, tally) = run(text.as_bytes(), &Options::default()).unwrap();
    let expected = text.replace("{\"email\":\"A1@Example.com\"}\r\n", "");
    assert_eq!(String::from_utf8(kept).unwrap(), expected);
    let row = "{\"email\":\"A1@Example.com\",\"quell_reason\":\"manual\",\"quell_reasons\":\"manual\"}\r\n";
    assert_eq!(String::from_utf8(withheld).unwrap(), row);
    assert_eq!((tally.read, tally.kept, tally.withheld), (3, 2, 1));
}

#[test]
fn an_escape_hides_no_address() {
    for address in [
        "a1\\u0040example.com",
        "\\u00611@example.com",
        "a1@example\\u002ecom",
        " a1@example.com\\n",
    ] {
        assert_eq!(kept(&format!("{{\"email\":\"{address}\"}}\n"), "email"), "", "{address}");
    }
    let text = "{\"em\\u0061il\":\"a1@example.com\"}\n";
    assert_eq!(kept(text, "email"), "");
    assert_eq!(run(text.as_bytes(), &Options::default()).unwrap().2.withheld, 1);
    let text = "{\"\\ud83d\\ude00\":{\"~/\":\"a1@example.com\"}}\n";
    assert_eq!(kept(text, "/\u{1f600}/~0~1"), "");
}

#[test]
fn every_member_of_a_name_counts() {
    for text in [
        "{\"email\":\"b@example.com\",\"email\":\"a1@example.com\"}\n",
        "{\"email\":\"a1@example.com\",\"email\":\"b@example.com\"}\n",
        "{\"email\":\"b@example.com\",\"em\\u0061il\":\"a1@example.com\"}\n",
        "{\"email\":\"b@example.com\",\"email\":null}\n",
        "{\"email\":[\"b@example.com\",\"a1@example.com\"]}\n",
        "{\"email\":[\"b@example.com\",null]}\n",
        "{\"email\":[\"b@example.com\",[\"b@example.com\"]]}\n",
        "{\"email\":[]}\n",
        "{\"email\":12}\n",
        "{\"email\":{\"email\":\"b@example.com\"}}\n",
        "{\"email\":true}\n",
        "{\"e-mail\":\"b@example.com\"}\n{\"email\":\"a1@example.com\"}\n",
    ] {
        assert_eq!(kept(text, "email"), "", "{text}");
    }
    let twice = "{\"c\":{\"e\":[\"b@example.com\"]},\"c\":{\"e\":[\"a1@example.com\"]}}\n";
    assert_eq!(kept(twice, "/c/e/0"), "");
    assert_eq!(kept(&twice.replace("a1", "d"), "/c/e/0"), twice.replace("a1", "d"));
}

#[test]
fn pointers_reach_what_they_name_and_nothing_else() {
    let text =
        "{\"c\":{\"e\":[\"b@example.com\",\"a1@example.com\"]},\"\":{\"0\":\"b@example.com\"}}\n";
    assert_eq!(kept(text, "/c/e/0"), text);
    assert_eq!(kept(text, "/c/e/1"), "");
    assert_eq!(kept(text, "/c/e"), "");
    assert_eq!(kept(text, "//0"), text);
    for pointer in ["/c/e/01", "/c/e/-", "/c/e/2", "/c/x", "/e", "c/e", "/c/e/0/x"] {
        refused(text.as_bytes(), &columns(&[pointer]), ErrorKind::Usage, "no line has");
    }
    refused(text.as_bytes(), &columns(&["/c~2"]), ErrorKind::Usage, "no JSON pointer");
    let (kept, _, _) = run(text.as_bytes(), &columns(&["/c/e/0", "/c/e/1"])).unwrap();
    assert_eq!(kept, b"");
}

#[test]
fn the_first_object_tells_the_address_or_the_run_ends() {
    refused(b"{\"id\":1}\n", &Options::default(), ErrorKind::Usage, "it has `id`");
    refused(b"{}\n", &Options::default(), ErrorKind::Usage, "it has none");
    let two = b"{\"email\":\"b@example.com\",\" Mail \":\"b@example.com\"}\n";
    refused(two, &Options::default(), ErrorKind::Usage, "2 members mean an address");
    let text = b"{\"id\":1,\" E-Mail \":\"b@example.com\"}\n";
    assert_eq!(run(text, &Options::default()).unwrap().0, text);
    let summary = run(b"\n \n", &Options::default()).unwrap();
    assert_eq!((summary.0.as_slice(), summary.2.read), (&b"\n \n"[..], 0));
}

#[test]
fn what_can_not_be_decoded_ends_the_run_at_its_line() {
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
    for (line, words) in [
        (&b"{\"email\":\"b@example.com\"} x"[..], "byte 52"),
        (b"{\"email\":\"b@example.com\"}{}", "trailing"),
        (b"{\"email\":\"b@example.com\"", "no JSON"),
        (b"[\"b@example.com\"]", "no JSON object"),
        (b"\"b@example.com\"", "no JSON object"),
        (b"b@example.com", "no JSON object"),
        (b"{\"email\":\"b\\ud800@example.com\"}", "no JSON"),
        (b"{\"email\":\"b\xff@example.com\"}", "byte 37: the line is not UTF-8"),
        (b"{\"email\":\"b@example.com\",\"x\":\"\xff\"}", "not UTF-8"),
        (b"{\"email\":\"b@example.com\",\"x\":\"\t\"}", "no JSON"),
        (b"{\"email\":\"b@example.com\",\"x\":01}", "no JSON"),
        (b"{\"email\":\"b@example.com\"}\r{}", "trailing"),
        (deep.as_bytes(), "128 levels"),
        (long.as_bytes(), "record over 1048576 bytes"),
    ] {
        let text = [CLEAR.as_bytes(), line, b"\n", CLEAR.as_bytes()].concat();
        for chunk_bytes in [1, 40, 1 << 18] {
            let limits = Limits { chunk_bytes, ..Limits::default() };
            let options = Options { limits, ..Options::default() };
            refused(&text, &options, ErrorKind::Input, "line 2, ");
            refused(&text, &options, ErrorKind::Input, words);
        }
    }
    let brackets = format!("{{\"email\":\"b@example.com\",\"x\":\"{}\\\"[\"}}\n", "[".repeat(300));
    assert_eq!(kept(&brackets, "email"), brackets);
    let flat = format!("{{\"email\":\"b@example.com\",\"x\":[{}[]]}}\n", "[],".repeat(300));
    assert_eq!(kept(&flat, "email"), flat);
}

#[test]
fn a_contact_and_a_list_are_told_or_refused() {
    let options = Options {
        contact_column: Some(ColumnChoice("id".to_owned())),
        list_column: Some(ColumnChoice("list".to_owned())),
        ..Options::default()
    };
    let line = |id: &str, list: &str| {
        format!("{{\"email\":\"b@example.com\",\"id\":{id},\"list\":{list}}}\n")
    };
    for (id, list) in [
        ("12", "\"a;b\""),
        ("\"12\"", "[\"a\",\"b\"]"),
        ("null", "null"),
        ("12,\"id\":\"12\"", "\"a\",\"list\":[\"b\"]"),
        ("-1", "[]"),
    ] {
        let text = line(id, list);
        assert_eq!(run(text.as_bytes(), &options).unwrap().0, text.as_bytes(), "{text}");
    }
    for (id, list, words) in [
        ("1.5", "null", "contact is neither"),
        ("[12]", "null", "contact is neither"),
        ("{}", "null", "contact is neither"),
        ("true", "null", "contact is neither"),
        ("12,\"id\":13", "null", "two contacts"),
        ("12", "12", "list is neither"),
        ("12", "{}", "list is neither"),
        ("12", "[[\"a\"]]", "list is neither"),
        ("12", "[\"a;b\"]", "holds a `;`"),
    ] {
        refused(line(id, list).as_bytes(), &options, ErrorKind::Input, words);
    }
    refused(CLEAR.as_bytes(), &options, ErrorKind::Usage, "no line has `id`");
}

#[test]
fn an_unusable_address_does_what_was_asked() {
    let text =
        "{\"email\":\"b@example.com\"}\n{\"email\":null}\n{}\n{\"email\":\"a1@example.com\"}\n";
    let keep = Options { invalid: OnInvalid::Keep, ..Options::default() };
    assert_eq!(run(text.as_bytes(), &keep).unwrap().2.kept, 3);
    let fail = Options { invalid: OnInvalid::Fail, ..Options::default() };
    refused(text.as_bytes(), &fail, ErrorKind::Input, "line 2, byte 26: the row has no usable");
}

#[test]
fn reasons_stand_before_the_closing_brace() {
    for (line, with) in [
        ("{}", "{\"quell_reason\":\"R\",\"quell_reasons\":\"R\"}"),
        ("{ } ", "{ \"quell_reason\":\"R\",\"quell_reasons\":\"R\"} "),
        (
            "{\"email\":\"}\" }\t",
            "{\"email\":\"}\" ,\"quell_reason\":\"R\",\"quell_reasons\":\"R\"}\t",
        ),
    ] {
        let text = format!("{CLEAR}{line}\r\n");
        let (_, withheld, _) = run(text.as_bytes(), &Options::default()).unwrap();
        let with = with.replace('R', "invalid_address") + "\r\n";
        assert_eq!(String::from_utf8(withheld).unwrap(), with);
    }
}

/// Rows of an address and a text besides, as they may be written.
fn rows() -> impl Strategy<Value = Vec<(String, u8)>> {
    let address = (0..10_u8, 0..6_u8).prop_map(|(number, form)| match form {
        0 => format!("A{number}@Example.com"),
        1 => format!("An, {number} <a{number}@example.com>"),
        2 => format!(" \"a{number}\"@example.com\t"),
        3 => "nobody".to_owned(),
        4 => String::new(),
        _ => format!("a{number}@example.com"),
    });
    prop::collection::vec((address, 0..6_u8), 1..40)
}

/// A row as a line, its address with or without escapes.
fn line((address, form): &(String, u8)) -> String {
    let escaped: String = address.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let plain = serde_json::to_string(address).unwrap();
    match form {
        0 => format!("{{\"email\":\"{escaped}\"}}\r\n"),
        1 => format!("{{\"x\":[1,{{\"email\":\"b@example.com\"}}],\"email\":{plain}}}\n"),
        2 => format!("\n{{ \"\\u0065mail\" : [ {plain} ] }}\n"),
        3 => format!("{{\"email\":{plain},\"x\":\"\u{e9}\\n{{\"}}\n"),
        _ => format!("{{\"email\":{plain}}}\n"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn the_same_rows_are_kept_as_of_csv(
        rows in rows(),
        threads in 1..4_usize,
        chunk_bytes in 1..200_usize,
        dedupe in any::<bool>(),
        cut in any::<bool>(),
    ) {
        // The first line is the one that tells the address.
        let mut text = CLEAR.to_owned() + &rows.iter().map(line).collect::<String>();
        if cut {
            text.pop();
        }
        let limits = Limits { chunk_bytes, ..Limits::default() };
        let options = Options { threads, limits, dedupe, ..Options::default() };
        let whole = run(text.as_bytes(), &Options { dedupe, ..Options::default() }).unwrap();
        prop_assert_eq!(&run(text.as_bytes(), &options).unwrap(), &whole);

        let csv: String = rows
            .iter()
            .map(|(address, _)| format!("\"{}\"\n", address.replace('"', "\"\"")))
            .collect();
        let csv = "email\nb@example.com\n".to_owned() + &csv;
        let (snapshot, hasher) = snapshot();
        let options = Options { dedupe, ..Options::default() };
        let policy = Policy::default();
        let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options: &options };
        let mut kept = Vec::new();
        let (summary, _) =
            filter.run(csv.as_bytes(), &mut kept, None::<&mut Vec<u8>>, &|_| {}).unwrap();
        prop_assert_eq!(summary.tally, whole.2);
        let addresses = |text: &[u8]| -> Vec<String> {
            let text = std::str::from_utf8(text).unwrap();
            let lines = text.lines().filter(|line| !line.is_empty());
            lines.map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let email = &row["email"];
                email.as_str().or_else(|| email[0].as_str()).unwrap().to_owned()
            }).collect()
        };
        let mut reader = csv::Reader::from_reader(kept.as_slice());
        let of_csv: Vec<String> =
            reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        prop_assert_eq!(addresses(&whole.0), of_csv);
    }
}
