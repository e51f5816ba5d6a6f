use super::super::tests::{files, snapshot};
use super::super::{ColumnChoice, Filter, OnInvalid};
use super::*;
use crate::delimited::{Dialect, Limits, Splitter, WantedCells};
use proptest::prelude::*;

/// Links that say what they are of.
fn links(name: &str) -> LinkColumn {
    LinkColumn::new(name, Policy::default(), |key, list, out| {
        out.push_str("x://");
        out.push_str(std::str::from_utf8(key).unwrap());
        out.push_str(&list.map_or(String::new(), |list| format!("/{list}")));
    })
    .unwrap()
}

fn filtered(text: &[u8], options: &Options, is_ndjson: bool) -> Result<(Vec<u8>, Vec<u8>)> {
    let (snapshot, hasher) = snapshot();
    let policy = Policy::default();
    let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options };
    let (mut kept, mut withheld) = (Vec::new(), Vec::new());
    if is_ndjson {
        filter.run_ndjson(text, &mut kept, Some(&mut withheld), &|_| {})?;
    } else {
        filter.run(text, &mut kept, Some(&mut withheld), &|_| {})?;
    }
    Ok((kept, withheld))
}

fn kept(text: &str, options: &Options) -> String {
    String::from_utf8(filtered(text.as_bytes(), options, false).unwrap().0).unwrap()
}

fn with_links() -> Options {
    Options { links: Some(links("url")), ..Options::default() }
}

fn list_column() -> Option<ColumnChoice> {
    Some(ColumnChoice("list".to_owned()))
}

#[test]
fn each_kept_row_gets_its_link_after_its_own_bytes() {
    for (text, want) in [
        ("email\nann@example.com\n", "email,url\nann@example.com,x://ann@example.com\n"),
        ("email\nAnn@Example.com", "email,url\nAnn@Example.com,x://ann@example.com"),
        (
            "\u{feff}\"email\"\r\n\"ann@example.com\"\r\n\r\n",
            "\u{feff}\"email\",url\r\n\"ann@example.com\",x://ann@example.com\r\n\r\n",
        ),
        (
            "email,note\na1@example.com,x\nbob@example.com\nann@example.com,a,b,c\n",
            "email,note,url\nbob@example.com,x://bob@example.com\nann@example.com,a,b,c,x://ann@example.com\n",
        ),
        (
            "email\n\"ann@example.com, bob@example.com\"\n",
            "email,url\n\"ann@example.com, bob@example.com\",x://ann@example.com\n",
        ),
        ("email", "email,url"),
        ("email\na1@example.com\n", "email,url\n"),
        ("", ""),
    ] {
        assert_eq!(kept(text, &with_links()), want, "{text}");
    }
}

#[test]
fn a_link_is_for_the_one_list_of_its_row_else_for_everything() {
    let text = "email,list\na@example.com,news\nb@example.com,\nc@example.com,news;offers\nd@example.com, news ; news\n";
    let options = Options { list_column: list_column(), ..with_links() };
    let of = |options: &Options| -> Vec<String> {
        let ends = |line: &str| line.rsplit_once("example.com").unwrap().1.to_owned();
        kept(text, options).lines().skip(1).map(ends).collect()
    };
    assert_eq!(of(&options), ["/news", "", "", "/news"]);
    let options = Options { lists: vec!["news".to_owned()], ..options };
    assert_eq!(of(&options), ["/news", "/news", "", "/news"]);
    let options = Options { list_column: None, ..options };
    assert_eq!(of(&options), ["/news"; 4]);
}

#[test]
fn a_row_without_an_address_has_an_empty_link() {
    let keep = Options { invalid: OnInvalid::Keep, ..with_links() };
    assert_eq!(kept("email\nnobody\n", &keep), "email,url\nnobody,\n");
    let object = "{\"email\":\"nobody\"}\n{\"email\":\"ann@example.com\"}\n";
    let (kept, _) = filtered(object.as_bytes(), &keep, true).unwrap();
    let want = "{\"email\":\"nobody\",\"url\":null}\n{\"email\":\"ann@example.com\",\"url\":\"x://ann@example.com\"}\n";
    assert_eq!(String::from_utf8(kept).unwrap(), want);
}

#[test]
fn without_a_header_there_is_none_to_gain_and_a_delimiter_is_quoted() {
    let options = Options { header: false, dialect: Dialect::new(b'/').unwrap(), ..with_links() };
    assert_eq!(kept("ann@example.com\n", &options), "ann@example.com/\"x://ann@example.com\"\n");
    let options =
        Options { preamble_bytes: 6, dialect: Dialect::new(b';').unwrap(), ..with_links() };
    assert_eq!(kept("sep=;\nemail;a\n", &options), "sep=;\nemail;a;url\n");
}

#[test]
fn a_column_that_is_there_already_is_refused() {
    for (text, is_ndjson) in
        [("email,URL \n", false), ("{\"email\":\"ann@example.com\",\"url\":1}\n", true)]
    {
        let error = filtered(text.as_bytes(), &with_links(), is_ndjson).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage, "{text}");
        assert!(error.to_string().to_lowercase().contains("`url`"), "{error}");
    }
    for name in ["", " ", "a\nb"] {
        assert!(LinkColumn::new(name, Policy::default(), |_, _, _| {}).is_err(), "{name:?}");
    }
}

#[test]
fn an_object_gets_a_member_at_its_end() {
    let text = "{\"email\":\"a1@example.com\"}\n\n {\"email\":\"ann\\u0040example.com\", \"list\": [\"news\"] } \n{\"a\":{\"b\":1},\"email\":\"bob@example.com\"}";
    let options =
        Options { list_column: list_column(), links: Some(links("u\"l")), ..Options::default() };
    let (kept, withheld) = filtered(text.as_bytes(), &options, true).unwrap();
    assert_eq!(
        String::from_utf8(kept).unwrap(),
        "\n {\"email\":\"ann\\u0040example.com\", \"list\": [\"news\"] ,\"u\\\"l\":\"x://ann@example.com/news\"} \n{\"a\":{\"b\":1},\"email\":\"bob@example.com\",\"u\\\"l\":\"x://bob@example.com\"}"
    );
    assert!(!String::from_utf8(withheld).unwrap().contains("x://"));
}

/// The records of a text: where the content of each begins and ends, and the key of its address, if it has one.
fn records(text: &[u8]) -> Vec<(Vec<u8>, Option<String>)> {
    let mut splitter = Splitter::new(text, 0, Dialect::CSV, Limits::default());
    let (mut cells, mut scratch) = (WantedCells::new([1]), Vec::new());
    let mut records = Vec::new();
    while let Some(record) = splitter.next_record(&mut cells).unwrap() {
        let cell = cells.at(0).unwrap_or_default();
        let mut buffer = crate::address::KeyBuffer::default();
        let key = Policy::default().key(cell.text(text, &mut scratch), &mut buffer);
        let key = key.ok().map(|key| key.as_str().to_owned());
        records.push((text[record.start..record.content_end].to_vec(), key));
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn without_its_links_the_output_is_what_it_was(
        text in files(),
        threads in 1..4_usize,
        chunk_bytes in 1..200_usize,
        dedupe in any::<bool>(),
        keep in any::<bool>(),
    ) {
        let invalid = if keep { OnInvalid::Keep } else { OnInvalid::Withhold };
        let plain = Options { dedupe, invalid, ..Options::default() };
        let limits = Limits { chunk_bytes, ..Limits::default() };
        let linked = Options { links: Some(links("url")), threads, limits, ..plain.clone() };
        let (plain, withheld) = filtered(&text, &plain, false).unwrap();
        let (linked, withheld_too) = filtered(&text, &linked, false).unwrap();
        prop_assert_eq!(withheld, withheld_too);
        let before = records(&plain);
        // Read again, a short row's link may be the address column: only the bytes are compared.
        let after = records(&linked);
        prop_assert_eq!(before.len(), after.len());
        for (at, ((row, key), (row_too, _))) in before.iter().zip(&after).enumerate() {
            let link = match key {
                _ if at == 0 => "url".to_owned(),
                Some(key) => format!("x://{key}"),
                None => String::new(),
            };
            let want = [row.as_slice(), b",", link.as_bytes()].concat();
            prop_assert_eq!(row_too, &want);
        }
        let added: usize = linked.len() - plain.len();
        let links: usize = before.iter().zip(&after).map(|(row, too)| too.0.len() - row.0.len()).sum();
        prop_assert_eq!(added, links, "nothing else was added");
    }
}
