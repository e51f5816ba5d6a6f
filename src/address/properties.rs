//! The laws of a key, over cells made of the pieces that real ones are damaged with.

use super::{
    DOMAIN_BYTES_MAX, InvalidAddress, KEY_BYTES_MAX, KeyBuffer, LABEL_BYTES_MAX, LOCAL_BYTES_MAX,
    Policy, redact,
};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

type Outcome = Result<Vec<u8>, InvalidAddress>;

fn key(raw: &[u8]) -> Outcome {
    let mut buffer = KeyBuffer::new();
    Policy::EXACT.key(raw, &mut buffer).map(|key| key.as_bytes().to_vec())
}

fn key_without_shortcut(raw: &[u8]) -> Outcome {
    let mut buffer = KeyBuffer::new();
    Policy::EXACT.key_without_shortcut(raw, &mut buffer).map(|key| key.as_bytes().to_vec())
}

/// What may stand where a local part does.
fn local() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-zA-Z0-9.+_-]{1,12}",
        2 => "[!-~]{1,10}",
        1 => "[a-z]{60,66}",
        1 => "\"[ -~]{0,8}\"",
        1 => "\"([a-z ]|\\\\[ -~]){0,6}\"",
        2 => "(é|E\u{301}|İ|I\u{307}|Σ|ΑΣ|ß|ẞ|\u{37E}|\u{226E}|<\u{338}|=\u{338}|J\u{30C}|K|[a-zA-Z.]){1,6}",
        1 => "\"(é|E\u{301}|İ|Σ|\u{338}|<|\\\\[\u{338}\"a]| |[A-Z]){0,6}\"",
        1 => "[\\PC]{1,6}",
        1 => any::<String>(),
    ]
}

/// What may stand where a label does.
fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zA-Z0-9-]{1,10}",
        1 => "[a-zA-Z0-9_-]{0,4}",
        1 => "[a-z]{61,65}",
        2 => "[xX][nN]--[a-zA-Z0-9-]{0,8}",
        1 => Just("xn--bcher-KVA".to_owned()),
        2 => "(é|e\u{301}|ü|ß|İ|I\u{307}|ς|Σ|例|م|א|1|\u{AD}|\u{200D}|\u{FF21}|\u{FF0E}|K|[a-zA-Z]){1,6}",
        1 => "[\\PC]{1,6}",
    ]
}

fn domain() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (prop::collection::vec(label(), 1..5), "(\\.|\\.|\u{3002})", "(\\.|\u{3002}|){1}")
            .prop_map(|(labels, dot, end)| labels.join(&dot) + &end),
        1 => "\\[(IPv6:|ipv6:|)[0-9a-fA-F:.]{0,12}\\]",
        1 => Just("[IPv6:2001:DB8::1]".to_owned()),
        1 => Just("[192.0.2.1]".to_owned()),
    ]
}

/// What may be around an address, or between its parts.
fn around() -> impl Strategy<Value = String> {
    prop_oneof![
        10 => Just(String::new()),
        3 => prop::sample::select(vec![
            " ", "\t", "\u{A0}", "\u{200B}", "\u{FEFF}", "\r\n", "<", ">", "Ann <", "mailto:",
            "MAILTO: ", "<Mailto:", "\"Smith, Ann\" <", "\"", "\\", ",", ";", "@", "(x)", "\0",
            "\u{202E}", "\u{338}", "a@example.com, ",
        ]).prop_map(str::to_owned),
    ]
}

/// A cell that holds an address, nearly.
fn cell() -> impl Strategy<Value = String> {
    let at = prop_oneof![12 => Just("@"), 1 => Just("@@"), 1 => Just(""), 1 => Just(" @")];
    (around(), around(), local(), at, domain(), around(), prop::bool::ANY).prop_map(
        |(outer, inner, local, at, domain, after, close)| {
            let open = outer.contains('<') || inner.contains('<');
            let close = if close && open { ">" } else { "" };
            format!("{outer}{inner}{local}{at}{domain}{close}{after}")
        },
    )
}

fn laws() -> ProptestConfig {
    ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(laws())]

    #[test]
    fn the_fast_path_agrees_with_the_general_one(cell in cell()) {
        prop_assert_eq!(key(cell.as_bytes()), key_without_shortcut(cell.as_bytes()));
    }

    #[test]
    fn the_fast_path_agrees_on_near_plain_addresses(
        cell in "[A-Za-z.!+-]{0,6}[ -~]?[a-zA-Z]{0,20}@[A-Za-z0-9-]{0,20}(\\.?[Xx]?[nN]?--?[A-Za-z_0-9-]{0,3}){0,3}\\.?",
    ) {
        prop_assert_eq!(key(cell.as_bytes()), key_without_shortcut(cell.as_bytes()));
    }

    #[test]
    fn the_fast_path_agrees_at_the_limits(
        local in 62_usize..67, labels in prop::collection::vec(58_usize..66, 1..5),
    ) {
        let labels: Vec<_> = labels.into_iter().map(|length| "B".repeat(length)).collect();
        let cell = format!("{}@{}", "A".repeat(local), labels.join("."));
        prop_assert_eq!(key(cell.as_bytes()), key_without_shortcut(cell.as_bytes()));
        let cell = format!("a@{}", labels.join("."));
        prop_assert_eq!(key(cell.as_bytes()), key_without_shortcut(cell.as_bytes()));
    }

    #[test]
    fn the_key_of_a_key_is_that_key(cell in cell()) {
        if let Ok(once) = key(cell.as_bytes()) {
            prop_assert_eq!(key(&once), Ok(once.clone()));
            prop_assert_eq!(key_without_shortcut(&once), Ok(once));
        }
    }

    #[test]
    fn ascii_case_never_matters(cell in cell()) {
        let expected = key(cell.as_bytes());
        prop_assert_eq!(&key(cell.to_ascii_lowercase().as_bytes()), &expected);
        prop_assert_eq!(&key(cell.to_ascii_uppercase().as_bytes()), &expected);
    }

    #[test]
    fn canonical_equivalents_have_one_key(cell in cell()) {
        let expected = key(cell.as_bytes());
        prop_assert_eq!(&key(cell.nfc().collect::<String>().as_bytes()), &expected);
        prop_assert_eq!(&key(cell.nfd().collect::<String>().as_bytes()), &expected);
    }

    #[test]
    fn space_brackets_names_and_schemes_never_matter(local in "[a-z.]{1,8}", domain in domain()) {
        let plain = format!("{local}@{domain}");
        let expected = key(plain.as_bytes()).ok();
        for cell in [
            format!("\u{A0} {plain}\u{FEFF}\r\n"),
            format!("<{plain}>"),
            format!("\"Smith, Ann\" < mailto:{plain} >"),
            format!("MailTo:{plain}"),
            format!("\"{local}\"@{domain}"),
        ] {
            prop_assert_eq!(&key(cell.as_bytes()).ok(), &expected, "{}", cell);
        }
    }

    #[test]
    fn a_key_is_text_within_every_limit(cell in cell()) {
        let mut buffer = KeyBuffer::new();
        if let Ok(key) = Policy::EXACT.key(cell.as_bytes(), &mut buffer) {
            prop_assert_eq!(key.as_str().as_bytes(), key.as_bytes());
            prop_assert!(key.as_bytes().len() <= KEY_BYTES_MAX);
            prop_assert!((1..=LOCAL_BYTES_MAX).contains(&key.local().len()));
            prop_assert!((1..=DOMAIN_BYTES_MAX).contains(&key.domain().len()));
            prop_assert!(key.domain().is_ascii());
            let mut labels = key.domain().split(|&byte| byte == b'.');
            prop_assert!(labels.all(|label| (1..=LABEL_BYTES_MAX).contains(&label.len())));
            prop_assert_eq!([key.local(), key.domain()].join(&b'@'), key.as_bytes());
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_both_paths_agree_on_them(
        bytes in prop::collection::vec(any::<u8>(), 0..600), cell in cell(), at in any::<prop::sample::Index>(),
    ) {
        prop_assert_eq!(key(&bytes), key_without_shortcut(&bytes));
        let mut damaged = cell.into_bytes();
        damaged.insert(at.index(damaged.len() + 1), bytes.first().copied().unwrap_or(0xFF));
        prop_assert_eq!(key(&damaged), key_without_shortcut(&damaged));
        let shown = redact(&String::from_utf8_lossy(&damaged));
        prop_assert!(!shown.contains(char::is_control), "{:?}", shown);
    }
}

/// Every byte the classes border on, and the pairs that matter, at every position of an address of
/// every length the fast path has a width for.
#[test]
fn the_fast_path_agrees_for_each_byte_at_each_position() {
    let mut accepted = 0;
    for length in 5..70 {
        for at in [1, length / 2, length - 2] {
            let plain = format!("{}@{}", "a".repeat(at), "b".repeat(length - at - 1));
            for position in 0..length {
                for damage in [
                    "", ".", "..", "-", "--", "@", "!", "/", ":", "A", "Z", "[", "`", "_", "{", "~",
                ]
                .map(str::as_bytes)
                .into_iter()
                .chain([
                    &b"\0"[..],
                    b"\x7F",
                    b"\x80",
                    b"\xFF",
                    b" ",
                    b"\"",
                    b"xn--",
                ]) {
                    let mut cell = plain.clone().into_bytes();
                    for (byte, &new) in cell[position..].iter_mut().zip(damage) {
                        *byte = new;
                    }
                    let found = key(&cell);
                    assert_eq!(found, key_without_shortcut(&cell), "{}", cell.escape_ascii());
                    accepted += usize::from(found.is_ok());
                }
            }
        }
    }
    assert!(accepted > 50_000, "{accepted}");
}

/// A hostile cell of any shape is refused after a look or two at each of its bytes: a quadratic step
/// anywhere would take minutes here.
#[test]
fn a_cell_of_a_mebibyte_is_refused() {
    const MEBIBYTE: usize = 1 << 20;
    for unit in ["a", "@", " ", "<", "\"", "\\", "é", "e\u{301}", "\u{301}", "a.", "mailto:", "\0"]
    {
        let cell = unit.repeat(MEBIBYTE / unit.len());
        let expected = if unit == " " { InvalidAddress::Empty } else { InvalidAddress::TooLong };
        assert_eq!(key(cell.as_bytes()), Err(expected), "{unit:?}");
    }
}

/// The largest cells that are read, of the shapes that cost the most.
#[test]
fn a_cell_at_the_limit_is_judged_whatever_its_shape() {
    for unit in
        ["@", "<", "\"", "\\", "é", "\u{301}", "\u{315}\u{301}", "a.", "xn--a.", "例え.", "\u{AD}"]
    {
        let long = unit.repeat(4000 / unit.len());
        for cell in [format!("{long}@example.com"), format!("a@{long}"), format!("a@xn--{long}")] {
            assert!(key(cell.as_bytes()).is_err(), "{unit:?}");
        }
    }
    let distinct: String = ('\u{4E00}'..'\u{5300}').collect();
    assert!(key(format!("a@{distinct}").as_bytes()).is_err());
}
