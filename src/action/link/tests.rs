use super::*;
use crate::record::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn keys(secrets: &[u8]) -> LinkKeys {
    let mut text = String::new();
    for secret in secrets {
        let key = LinkKey::from_secret([*secret; 32], NOW);
        let secret: String = key.secret().iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("{} {NOW} {secret} active\n", key.id()));
    }
    LinkKeys::from_text(&text).unwrap()
}

fn retired(keys: &LinkKeys, id: LinkKeyId) -> LinkKeys {
    let lines = keys.to_text();
    let lines = lines.lines().map(|line| {
        let line = if line.starts_with(&id.to_string()) {
            line.replace("active", "retired")
        } else {
            line.into()
        };
        line + "\n"
    });
    LinkKeys::from_text(&lines.collect::<String>()).unwrap()
}

fn sealed(links: &Links, link: &Link) -> String {
    let mut token = String::new();
    links.seal(link.key.as_bytes(), link.list.as_deref(), link.class, &mut token);
    token
}

fn ann(list: Option<&str>) -> Link {
    Link {
        key: "ann@example.com".to_owned(),
        list: list.map(str::to_owned),
        class: RecordClass::Bulk,
    }
}

#[test]
fn a_token_is_what_the_page_says() {
    // docs/one-click.md has this token: whoever changes the format makes every link in a sent mail void.
    let links = Links::new(&keys(&[7]));
    let token = sealed(&links, &ann(Some("news")));
    assert!(include_str!("../../../docs/one-click.md").contains(&token));
    assert_eq!(token, "Abwh73vL3HGujRjurP18PTanNCu1mhqKTRgbG_tOT_ImHmcomGFQ2QkoiQ");
    assert_eq!(links.open(&token), Some(ann(Some("news"))));
}

#[test]
fn a_token_shows_no_address_and_is_the_same_each_time() {
    let links = Links::new(&keys(&[7]));
    let token = sealed(&links, &ann(None));
    assert_eq!(token, sealed(&links, &ann(None)));
    assert_ne!(token, sealed(&links, &ann(Some("news"))));
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    assert!(!bytes.windows(3).any(|three| b"ann@example.com".windows(3).any(|part| part == three)));
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
}

#[test]
fn one_that_was_changed_anywhere_is_none() {
    let links = Links::new(&keys(&[7]));
    let token = sealed(&links, &ann(Some("news")));
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(links.open(&URL_SAFE_NO_PAD.encode(&changed)), None, "byte {at}, bit {bit}");
        }
        assert_eq!(links.open(&URL_SAFE_NO_PAD.encode(&bytes[..at])), None, "cut at {at}");
    }
    for text in
        [&format!("{token}A"), &format!("{token}="), &format!(" {token}"), "", "A", "%", "é"]
    {
        assert_eq!(links.open(text), None, "{text}");
    }
    // The last character has bits that mean nothing: only one text is the token.
    let last = token.len() - 1;
    let others = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']);
    let same = others.filter(|c| links.open(&format!("{}{c}", &token[..last])).is_some());
    assert_eq!(same.count(), 1);
    assert_eq!(Links::new(&keys(&[8])).open(&token), None, "another store's");
}

#[test]
fn a_rotated_key_goes_on_opening_and_a_retired_one_does_not() {
    let old = keys(&[7]);
    let token = sealed(&Links::new(&old), &ann(None));
    let both = keys(&[7, 8]);
    assert_eq!(Links::new(&both).open(&token), Some(ann(None)));
    let newer = sealed(&Links::new(&both), &ann(None));
    assert_eq!(Links::new(&old).open(&newer), None, "the newest key seals");
    let one = Links::new(&retired(&both, old.all()[0].id()));
    assert_eq!(one.open(&token), None);
    assert_eq!(one.open(&newer), Some(ann(None)));
}

#[test]
fn a_base_is_an_absolute_url_and_nothing_more() {
    for (text, start) in [
        ("https://example.com", "https://example.com/u/"),
        ("https://example.com/", "https://example.com/u/"),
        ("HTTPS://example.com:8443/mail/", "HTTPS://example.com:8443/mail/u/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/u/"),
        ("https://[2001:db8::1]/m", "https://[2001:db8::1]/m/u/"),
    ] {
        let base = BaseUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut found = String::new();
        base.write_start(&mut found);
        assert_eq!(found, start);
        assert_eq!(base.is_https(), !text.starts_with("http:"), "{text}");
    }
    for text in [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https:///u",
        "https://example.com?a=b",
        "https://example.com/#top",
        "https://user@example.com",
        "https://exa mple.com",
        "https://example.com/>",
        "https://example.com/\r\nX: y",
        "https://b\u{fc}cher.example",
        "mailto:ann@example.com",
    ] {
        assert!(BaseUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_headers_are_those_of_the_rfc() {
    let links = Links::new(&keys(&[7]));
    let base = BaseUrl::parse("https://example.com/m").unwrap();
    let [first, second] = base.headers(&links, &ann(Some("news"))).unwrap();
    let token = sealed(&links, &ann(Some("news")));
    assert_eq!(first, format!("List-Unsubscribe: <https://example.com/m/u/{token}>"));
    assert_eq!(second, "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    assert!(base.headers(&links, &ann(Some(&"x".repeat(256)))).is_err());
    let long = BaseUrl::parse(&format!("https://example.com/{}", "m".repeat(1000))).unwrap();
    assert!(long.headers(&links, &ann(None)).is_err());
}

proptest! {
    #[test]
    fn what_was_sealed_opens_to_the_same(
        key in "\\PC{1,80}",
        list in proptest::option::of("\\PC{1,60}"),
        class in prop_oneof![Just(RecordClass::Bulk), Just(RecordClass::Transactional), Just(RecordClass::All)],
    ) {
        let links = Links::new(&keys(&[1, 2]));
        let link = Link { key, list: list.filter(|list| Links::takes(list)), class };
        prop_assert_eq!(links.open(&sealed(&links, &link)), Some(link));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        prop_assert_eq!(Links::new(&keys(&[1])).open(&text), None);
    }
}
