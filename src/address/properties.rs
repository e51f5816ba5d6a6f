//! The laws of a key, over cells made of the pieces that real ones are damaged with.

use super::{
    DOMAIN_BYTES_MAX, InvalidAddress, KEY_BYTES_MAX, KeyBuffer, LABEL_BYTES_MAX, LOCAL_BYTES_MAX,
    Policy, redact,
};
use proptest::prelude::*;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// Every policy there is: each set of the four widenings.
fn policies() -> Vec<Policy> {
    const NAMES: [&str; 4] = ["gmail-dots", "googlemail", "plus-tags", "yahoo-dash"];
    (0..16)
        .map(|set: usize| {
            let chosen = NAMES.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            let words: Vec<_> = chosen.map(|(_, name)| *name).collect();
            if words.is_empty() { Policy::EXACT } else { words.join(",").parse().unwrap() }
        })
        .collect()
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(policies())
}

fn key_under(policy: Policy, raw: &[u8]) -> Outcome {
    let mut buffer = KeyBuffer::new();
    policy.key(raw, &mut buffer).map(|key| key.as_bytes().to_vec())
}

type Outcome = Result<Vec<u8>, InvalidAddress>;

fn key(raw: &[u8]) -> Outcome {
    let mut buffer = KeyBuffer::new();
    Policy::EXACT.key(raw, &mut buffer).map(|key| key.as_bytes().to_vec())
}

fn key_without_shortcut(raw: &[u8]) -> Outcome {
    let mut buffer = KeyBuffer::new();
    Policy::EXACT.key_without_shortcut(raw, &mut buffer).map(|key| key.as_bytes().to_vec())
}

/// The key of `cell` inside a larger text, `before` and `behind` it.
fn key_between(before: &[u8], cell: &[u8], behind: &[u8]) -> Outcome {
    let text = [before, cell, behind].concat();
    let range = before.len()..before.len() + cell.len();
    let mut buffer = KeyBuffer::new();
    Policy::EXACT.key_in(&text, range, &mut buffer).map(|key| key.as_bytes().to_vec())
}

/// What must not matter behind a cell: all that could complete an address or spoil one. Repeated, it fills
/// whatever is read with it.
const BEHIND: [&[u8]; 8] = [b",", b"@", b".", b"a", b"\xFF", b"\xC3\xA9", b"\0", b" <.@A\n"];

/// Says by how many bytes the text behind a cell is to be tried: none, the last that are too few for the
/// shortcut, the first that are enough, and many.
fn lengths_behind(cell: usize) -> [usize; 5] {
    let enough = 64_usize.saturating_sub(cell);
    [0, 1, enough.saturating_sub(1), enough, enough + 40]
}

/// [`key`] and every [`key_between`] of `cell` against the general path.
#[track_caller]
fn assert_agreement(cell: &[u8]) -> Outcome {
    let expected = key_without_shortcut(cell);
    assert_eq!(key(cell), expected, "{}", cell.escape_ascii());
    for (at, hostile) in BEHIND.iter().enumerate() {
        for length in lengths_behind(cell.len()) {
            let behind: Vec<_> = hostile.iter().copied().cycle().take(length).collect();
            let before = &b"x@y.example,a.@"[..2 * at];
            let found = key_between(before, cell, &behind);
            assert_eq!(found, expected, "{} {}", cell.escape_ascii(), behind.escape_ascii());
        }
    }
    expected
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

/// A cell that a widening is about, nearly.
fn cell_to_widen() -> impl Strategy<Value = String> {
    let local = prop_oneof![
        6 => "[aB.+-]{1,8}",
        2 => "(a|\\.|\\+|-|e\u{301}|\u{301}|É|\u{FF0E}|\u{FF0B}|\u{FF21}|\u{FF0D}|Σ|\u{FF76}|\u{FF9E}|\u{1100}|\u{1161}){1,8}",
        1 => "\"[a.+ -]{0,6}\"",
        1 => local(),
    ];
    let domain = prop_oneof![
        6 => prop::sample::select(vec![
            "gmail.com", "googlemail.com", "GoogleMail.com.", "yahoo.com", "Yahoo.co.uk", "example.com",
            "gmail.com.example", "\u{FF47}mail.com", "gmail\u{3002}com",
        ]).prop_map(str::to_owned),
        1 => domain(),
    ];
    prop_oneof![
        4 => (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}")),
        1 => cell(),
    ]
}

/// `text` with each ASCII character before its last `@` in its full-width form where it has one that counts
/// as the same.
fn widely(text: &str) -> String {
    let end = text.rfind('@').unwrap_or(0);
    let wide = |c: char| match c {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '+' | '-' => {
            char::from_u32(u32::from(c) - 0x21 + 0xFF01).unwrap()
        }
        _ => c,
    };
    text[..end].chars().map(wide).chain(text[end..].chars()).collect()
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
        assert_agreement(cell.as_bytes()).unwrap_or_default();
    }

    #[test]
    fn the_fast_path_agrees_on_near_plain_addresses(
        cell in "[A-Za-z.!+-]{0,6}[ -~]?[a-zA-Z]{0,20}@[A-Za-z0-9-]{0,20}(\\.?[Xx]?[nN]?--?[A-Za-z_0-9-]{0,3}){0,3}\\.?",
    ) {
        assert_agreement(cell.as_bytes()).unwrap_or_default();
    }

    #[test]
    fn a_cell_anywhere_in_any_text_is_what_it_is_alone(
        text in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(b"aZ09-_".to_vec()), 1 => prop::sample::select(b"@.".to_vec()), 1 => any::<u8>(),
        ], 0..200),
        start in 0_usize..210, length in 0_usize..80,
    ) {
        let mut buffer = KeyBuffer::new();
        let found = Policy::EXACT.key_in(&text, start..start + length, &mut buffer);
        let end = text.len().min(start + length);
        let cell = text.get(start..end).unwrap_or_default();
        prop_assert_eq!(found.map(|key| key.as_bytes().to_vec()), key_without_shortcut(cell));
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
    fn a_widened_key_is_the_widened_key_of_the_exact_key_and_of_itself(
        policy in any_policy(), cell in cell_to_widen(),
    ) {
        let exact = key(cell.as_bytes());
        let widened = key_under(policy, cell.as_bytes());
        match (exact, widened) {
            (Ok(exact), Ok(widened)) => {
                prop_assert_eq!(&key_under(policy, &exact), &Ok(widened.clone()));
                prop_assert_eq!(&key_under(policy, &widened), &Ok(widened.clone()));
                prop_assert_eq!(&key(&widened), &Ok(widened.clone()));
                prop_assert!(widened.len() <= exact.len());
                let at = widened.iter().rposition(|&byte| byte == b'@').unwrap();
                prop_assert!((1..=LOCAL_BYTES_MAX).contains(&at));
                prop_assert!(std::str::from_utf8(&widened).is_ok());
            }
            (exact, widened) => prop_assert_eq!(exact, widened),
        }
    }

    #[test]
    fn under_every_policy_all_ways_to_a_key_agree(
        policy in any_policy(), cell in cell_to_widen(), behind in "[a.@+]{0,70}",
    ) {
        let mut buffer = KeyBuffer::new();
        let expected = key_under(policy, cell.as_bytes());
        let slow = policy.key_without_shortcut(cell.as_bytes(), &mut buffer);
        prop_assert_eq!(&slow.map(|key| key.as_bytes().to_vec()), &expected);
        let text = format!("{cell}{behind}");
        let inside = policy.key_in(text.as_bytes(), 0..cell.len(), &mut buffer);
        prop_assert_eq!(&inside.map(|key| key.as_bytes().to_vec()), &expected);
    }

    #[test]
    fn an_explanation_leads_from_the_cell_to_the_key(
        policy in any_policy(), cell in cell_to_widen(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut damaged = cell.clone().into_bytes();
        damaged.insert(at.index(damaged.len() + 1), byte);
        for cell in [cell.as_bytes(), &damaged] {
            let explanation = policy.explain(cell);
            let mut now = String::from_utf8_lossy(cell).into_owned();
            for step in &explanation.steps {
                prop_assert_eq!(&step.before, &now);
                prop_assert_ne!(&step.before, &step.after);
                now.clone_from(&step.after);
            }
            let expected = key_under(policy, cell);
            if expected.is_ok() {
                prop_assert_eq!(now.into_bytes(), expected.clone().unwrap());
            }
            prop_assert_eq!(explanation.outcome.map(String::into_bytes), expected);
        }
    }

    #[test]
    fn case_width_and_normal_forms_agree_under_every_policy(
        policy in any_policy(), cell in cell_to_widen(),
    ) {
        let expected = key_under(policy, cell.as_bytes());
        for spelling in [
            cell.to_ascii_lowercase(),
            cell.to_ascii_uppercase(),
            cell.nfc().collect(),
            cell.nfd().collect(),
        ] {
            prop_assert_eq!(&key_under(policy, spelling.as_bytes()), &expected, "{}", spelling);
        }
        // A scheme or a name has no width that could change, and bytes beyond the limits no key.
        if let (Ok(expected), Ok(wide)) = (&expected, &key_under(policy, widely(&cell).as_bytes()))
            && !cell.contains([':', '<'])
        {
            prop_assert_eq!(wide, expected, "{}", widely(&cell));
        }
    }

    #[test]
    fn a_full_width_address_is_that_address(
        local in "[A-Za-z0-9.+-]{1,20}", domain in "[a-z]{1,8}\\.(com|example)", policy in any_policy(),
    ) {
        let plain = format!("{local}@{domain}");
        let wide = widely(&plain);
        prop_assert!(!wide[..3].is_ascii());
        prop_assert_eq!(key_under(policy, wide.as_bytes()), key_under(policy, plain.as_bytes()));
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
    for length in (3..70).chain([100, 129]) {
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
                    let expected = key_without_shortcut(&cell);
                    assert_eq!(key(&cell), expected, "{}", cell.escape_ascii());
                    let behind = BEHIND[(position + length) % BEHIND.len()].repeat(64);
                    assert_eq!(
                        key_between(b"", &cell, &behind),
                        expected,
                        "{}",
                        cell.escape_ascii()
                    );
                    accepted += usize::from(expected.is_ok());
                }
            }
        }
    }
    assert!(accepted > 50_000, "{accepted}");
}

/// All 256 bytes, at every position of addresses with a boundary of blocks near them.
#[test]
fn the_fast_path_agrees_for_every_byte() {
    let addresses = [
        "a@b",
        "ann.smith@x.test",
        "Ann.Smith-42@mail1.example.com",
        "ann_smith.at.home@x.mail-2.example.org",
    ];
    for address in addresses {
        for position in 0..address.len() {
            for byte in 0..=u8::MAX {
                let mut cell = address.as_bytes().to_vec();
                cell[position] = byte;
                assert_eq!(key_between(b"", &cell, &[b'.'; 64]), key_without_shortcut(&cell));
                assert_eq!(key(&cell), key_without_shortcut(&cell), "{}", cell.escape_ascii());
            }
        }
    }
}

/// Without this, a shortcut that declines everything would pass every test here.
#[test]
fn the_shortcut_takes_plain_addresses_of_every_length_up_to_63() {
    let mut bytes = [0; KEY_BYTES_MAX];
    for length in 0..130 {
        let domain = &"@b.Example"[..[0, 1, 2, 2][length.min(3)]];
        let domain = if length > 10 { "@b.Example" } else { domain };
        let cell = format!("{domain:a>length$}");
        let text = format!("{cell}{}", ".".repeat(64));
        let taken = super::fast::write_in(text.as_bytes(), &(0..length), &mut bytes);
        assert_eq!(taken, (3..64).contains(&length).then_some(length), "{cell}");
        assert_agreement(cell.as_bytes()).unwrap_or_default();
    }
}

#[test]
fn a_range_outside_of_the_text_is_the_part_inside() {
    let text = format!("{}ann@example.com", ".".repeat(80));
    let mut buffer = KeyBuffer::new();
    let mut key_in = |range: Range<usize>| {
        Policy::EXACT.key_in(text.as_bytes(), range, &mut buffer).map(|key| key.as_str().to_owned())
    };
    for end in [95, 96, 144, usize::MAX] {
        assert_eq!(key_in(80..end), Ok("ann@example.com".to_owned()), "{end}");
    }
    for (start, end) in [(95, 99), (96, 100), (usize::MAX, usize::MAX), (90, 80), (5, 3), (1, 0)] {
        assert_eq!(key_in(start..end), Err(InvalidAddress::Empty), "{start}..{end}");
    }
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
