use super::*;
use crate::certificate::Choices;
use std::collections::BTreeMap;

fn file(path: &str) -> FileStatement {
    FileStatement { path: path.to_owned(), bytes: 5, sha256: "ab".repeat(32) }
}

fn statement() -> Statement {
    Statement {
        made_at: "2026-11-23T08:30:00.123456Z".to_owned(),
        ledger_id: "0123456789abcdef0123456789abcdef".to_owned(),
        policy: "exact".to_owned(),
        generation: 7,
        cursor: 19,
        chain: Some(Chain::new(3, &[0xcd; 32])),
        as_of: "2026-11-23T08:29:59Z".to_owned(),
        class: "bulk".to_owned(),
        lists: vec!["news".to_owned(), "größe \"x\"\n\u{7f}\u{1}".to_owned()],
        options: Choices {
            format: "csv".to_owned(),
            delimiter: Some(",".to_owned()),
            header: Some(true),
            email_columns: vec!["Email".to_owned()],
            contact_column: None,
            list_column: None,
            invalid: "withhold".to_owned(),
            dedupe: false,
        },
        read: 10,
        kept: 7,
        withheld: 3,
        by_reason: BTreeMap::from([("unsubscribed".to_owned(), 2), ("bounce".to_owned(), 1)]),
        input: file("in.csv"),
        output: file("-"),
        suppressed: None,
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[5; 32])
}

#[test]
fn a_certificate_is_read_as_what_was_signed() {
    let text = Certificate::sign(&statement(), &key()).unwrap();
    let read = Certificate::verified(&text, &key().public_key()).unwrap();
    assert_eq!(read.statement, statement());
    assert_eq!(read.quell, env!("CARGO_PKG_VERSION"));
    assert_eq!(Certificate::sign(&statement(), &key()).unwrap(), text, "the same text each time");
}

/// docs/certificate.md and programs of others depend on it.
#[test]
fn the_text_is_as_documented() {
    let text = String::from_utf8(Certificate::sign(&statement(), &key()).unwrap()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let start = format!(
        "{{\n  \"type\": \"quell-certificate\",\n  \"schema\": 1,\n  \"quell\": \"{version}\",\n  \"made_at\": "
    );
    assert!(text.starts_with(&start), "{text}");
    let chain = format!(
        "  \"chain\": {{\n    \"events\": 3,\n    \"link\": \"{}\"\n  }},\n",
        "cd".repeat(32)
    );
    assert!(text.contains(&chain), "{text}");
    assert!(text.contains("\"größe \\\"x\\\"\\n\u{7f}\\u0001\""), "{text}");
    assert!(
        text.contains("  \"by_reason\": {\n    \"bounce\": 1,\n    \"unsubscribed\": 2\n  },\n")
    );
    assert!(text.contains("  \"suppressed\": null,\n  \"public_key\": \""));
    let (signed, tail) = text.split_at(text.len() - 148);
    assert!(signed.ends_with("\",\n") && tail.starts_with("  \"signature\": \""), "{tail}");
    assert!(key().public_key().verifies(signed.as_bytes(), &tail.as_bytes()[16..144]));
}

#[test]
fn every_changed_byte_shows() {
    let text = Certificate::sign(&statement(), &key()).unwrap();
    let public_key = key().public_key();
    for at in 0..text.len() {
        let byte = text[at];
        for other in
            [byte ^ 1, byte ^ 0x20, byte ^ 0x80, b'0', b'f', b'F', b' ', b'\n', b'"', b',', b'}', 0]
        {
            let mut altered = text.clone();
            altered[at] = other;
            let read = Certificate::verified(&altered, &public_key);
            assert_eq!(read.is_ok(), other == byte, "byte {at}, {byte} as {other}");
        }
        let mut longer = text.clone();
        longer.insert(at, b' ');
        assert!(Certificate::verified(&longer, &public_key).is_err(), "a space before byte {at}");
        let mut shorter = text.clone();
        shorter.remove(at);
        assert!(Certificate::verified(&shorter, &public_key).is_err(), "without byte {at}");
        assert!(Certificate::verified(&text[..at], &public_key).is_err(), "cut at {at}");
        assert!(Certificate::verified(&text[at + 1..], &public_key).is_err(), "from {at}");
    }
    let longer = [&text[..], b"\n"].concat();
    assert!(Certificate::verified(&longer, &public_key).is_err());
}

/// What a reader of JSON takes for the same is not the same text.
#[test]
fn the_same_in_other_words_is_not_a_certificate() {
    let text = String::from_utf8(Certificate::sign(&statement(), &key()).unwrap()).unwrap();
    for (from, to) in [
        ("\"read\": 10", "\"read\": 1e1"),
        ("\"read\": 10", "\"read\":10"),
        ("\"read\": 10,", "\"read\": 9,\n  \"read\": 10,"),
        ("\"read\": 10,", "\"read\": 10,\n  \"more\": 1,"),
        ("\"policy\": \"exact\"", "\"policy\": \"e\\u0078act\""),
        ("\"suppressed\": null,\n", ""),
        ("\n", "\r\n"),
        ("    \"bounce\": 1,\n", "    \"bounce\": 1,\n    \"bounce\": 1,\n"),
    ] {
        assert!(text.contains(from), "{from}");
        let mismatch =
            Certificate::verified(text.replace(from, to).as_bytes(), &key().public_key())
                .unwrap_err();
        assert_eq!(mismatch.part, Part::Form, "{from} as {to}: {mismatch}");
    }
}

#[test]
fn what_does_not_match_is_named() {
    let text = String::from_utf8(Certificate::sign(&statement(), &key()).unwrap()).unwrap();
    let part =
        |text: &str| Certificate::verified(text.as_bytes(), &key().public_key()).unwrap_err().part;
    let other = SigningKey::from_seed(&[6; 32]);
    let others = String::from_utf8(Certificate::sign(&statement(), &other).unwrap()).unwrap();
    assert_eq!(part(&others), Part::PublicKey);
    assert_eq!(part(&text.replace("\"kept\": 7", "\"kept\": 8")), Part::Signature);
    // The signature of another text by the same key.
    let another = Statement { read: 9, kept: 6, ..statement() };
    let another = String::from_utf8(Certificate::sign(&another, &key()).unwrap()).unwrap();
    let (signed, _) = text.split_at(text.len() - 148);
    let (_, tail) = another.split_at(another.len() - 148);
    assert_eq!(part(&format!("{signed}{tail}")), Part::Signature);
    for text in ["", "{}", "[1]", "{\"schema\": 1}", "no certificate", "\u{feff}"] {
        assert_eq!(part(text), Part::Form, "{text}");
    }
    let newer = part(&text.replace("\"schema\": 1", "\"schema\": 2"));
    assert_eq!(newer, Part::Form);
}

#[test]
fn files_are_told_by_length_and_digest() {
    let suppressed = Statement { suppressed: Some(file("out.csv")), ..statement() };
    for (statement, part) in
        [(statement(), Part::Input), (statement(), Part::Output), (suppressed, Part::Suppressed)]
    {
        let certificate = Certificate { statement, quell: String::new() };
        let digest = "ab".repeat(32);
        assert_eq!(certificate.check_file(part, 5, &digest), Ok(()));
        for (bytes, digest, said) in
            [(6, digest.as_str(), "6 bytes"), (5, &"ba".repeat(32), "SHA-256 baba")]
        {
            let mismatch = certificate.check_file(part, bytes, digest).unwrap_err();
            assert_eq!(mismatch.part, part);
            assert!(mismatch.what.contains(said), "{mismatch}");
        }
    }
    let certificate = Certificate { statement: statement(), quell: String::new() };
    let none = certificate.check_file(Part::Suppressed, 5, "").unwrap_err();
    assert!(none.what.contains("names none"), "{none}");
}

#[test]
fn a_history_is_told_by_its_link() {
    let certificate = Certificate { statement: statement(), quell: String::new() };
    assert_eq!(certificate.check_chain(Some(&[0xcd; 32])), Ok(()));
    for link in [Some(&[0xce; 32]), None] {
        assert_eq!(certificate.check_chain(link).unwrap_err().part, Part::Chain);
    }
    let alone =
        Certificate { statement: Statement { chain: None, ..statement() }, quell: String::new() };
    assert_eq!(alone.check_chain(None), Ok(()));
}

#[test]
fn counts_that_do_not_add_up_are_neither_signed_nor_believed() {
    for wrong in [
        Statement { kept: 8, ..statement() },
        Statement { by_reason: BTreeMap::new(), ..statement() },
        Statement { read: 2, kept: u64::MAX, withheld: 3, ..statement() },
        Statement {
            by_reason: BTreeMap::from([("a".to_owned(), u64::MAX), ("b".to_owned(), 4)]),
            ..statement()
        },
    ] {
        assert_eq!(Certificate::sign(&wrong, &key()).unwrap_err().part, Part::Counts);
        assert_eq!(check_counts(&wrong).unwrap_err().part, Part::Counts);
    }
}
