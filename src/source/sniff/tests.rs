//! Headers, delimiters and columns as people's programs write them.

use super::*;

fn whole(text: &str) -> Sniffed {
    sniff(text.as_bytes(), true)
}

#[test]
fn the_delimiter_is_the_one_most_rows_agree_on() {
    for (text, want) in [
        ("email,name\na@example.com,Ann\n", b','),
        ("email;name\na@example.com;Smith, Ann\nb@example.com;Bob\n", b';'),
        ("email\tname\na@example.com\tSmith, Ann; jun.\n", b'\t'),
        ("email|name\na@example.com|x\n", b'|'),
        ("email\na@example.com\n", b','),
        ("a@example.com\n", b','),
        ("", b','),
        // Lists in one column of a file with commas.
        ("email,lists\na@example.com,x;y\nb@example.com,x;y;z\n", b','),
        ("\"name, first\";email\nAnn;a@example.com\n", b';'),
        ("email;name", b';'),
    ] {
        assert_eq!(char::from(whole(text).dialect.delimiter()), char::from(want), "{text:?}");
    }
}

#[test]
fn excels_line_names_the_delimiter_and_is_no_record() {
    for line in ["sep=;\r\n", "\u{feff}sep=;\n", "SEP=;\r"] {
        let text = format!("{line}e-mail;a,b\r\nann@example.com;1,2\r\n");
        let sniffed = whole(&text);
        assert!(sniffed.separator_line, "{line:?}");
        assert_eq!(sniffed.from, line.len());
        assert_eq!(sniffed.dialect.delimiter(), b';');
        assert_eq!((sniffed.columns.len(), sniffed.rows), (2, 1));
        assert_eq!(sniffed.address_column(), Some(0));
    }
    for no in ["sep=;", "sep=\"\n", "sep=\n", "sep=;x\n", "sep=a\n", "separator=;\n", ""] {
        assert_eq!(separator_line(no.as_bytes()), None, "{no:?}");
    }
    // Also when nothing else in the file agrees.
    assert_eq!(whole("sep=\t\nemail,name\n").dialect, Dialect::TSV);
}

#[test]
fn a_header_holds_neither_address_nor_digest() {
    assert!(whole("email\nann@example.com\n").has_header);
    assert!(whole("mail @ home,x\n").has_header);
    assert!(!whole("ann@example.com,BOUNCE\n").has_header);
    assert!(!whole("55502f40dc8b7c769880b10874abc9d0\n").has_header);
    assert!(whole("55502f40dc8b7c769880b10874abc9d\n").has_header, "one digit short");
    let sniffed = whole("ann@example.com,BOUNCE\nbob@example.com,COMPLAINT,x\n");
    assert_eq!((sniffed.columns.len(), sniffed.rows), (3, 2));
    assert_eq!(sniffed.address_column(), Some(0));
}

#[test]
fn the_address_column_is_found_by_name_and_by_content() {
    let found = |text: &str| whole(text).address_column();
    assert_eq!(found("id,E-Mail Address\n1,ann@example.com\n"), Some(1));
    assert_eq!(found("address,mail\n1 Some Street,ann@example.com\n"), Some(1));
    assert_eq!(found("id,kontakt\n1,ann@example.com\n2,\n"), Some(1));
    assert_eq!(found("id,note\n1,\n2,x\n3,y\n4,see ann@example.com\n"), None);
    assert_eq!(found("id,email\n"), Some(1));
    assert_eq!(found("a,b\n1,2\n"), None);
}

#[test]
fn digests_are_told_by_their_length() {
    let text = "hash,x\n55502f40dc8b7c769880b10874abc9d0,1\n98C8912CA551583D96B2507DF58AF57A,2\n";
    let column = &whole(text).columns[0];
    assert!(column.holds_digests());
    assert_eq!((column.digest_bytes, column.filled), (Some(16), 2));
    assert!(!whole("hash\nx\n55502f40dc8b7c769880b10874abc9d0\n").columns[0].holds_digests());
}

#[test]
fn line_ends_and_quotes_are_told() {
    for (text, want) in [
        ("a\nb\n", LineEnds::LineFeed),
        ("a\r\nb\r\n", LineEnds::Both),
        ("a\rb\r", LineEnds::Return),
        ("a\r\nb\n", LineEnds::Mixed),
        ("a", LineEnds::None),
        ("a\n\"b\r\nc\"\n", LineEnds::LineFeed),
    ] {
        assert_eq!(whole(text).line_ends, want, "{text:?}");
    }
    assert!(whole("a\n\"b\"\n").quoted && !whole("a\nb\"\n").quoted);
}

#[test]
fn a_record_that_the_end_of_the_start_cuts_is_left_out() {
    let text = b"email,name\nann@example.com,Ann\nbob@exam";
    assert_eq!(sniff(text, false).rows, 1);
    assert_eq!(sniff(text, true).rows, 2);
    // A quote that only the cut leaves open is no fault; one in a whole file is.
    let open = b"email,name\nann@example.com,\"Ann\nof ";
    assert_eq!(sniff(open, false).fault, None);
    assert!(sniff(open, true).fault.is_some());
}

#[test]
fn sample_rows_are_cells_without_their_quotes() {
    let text = b"sep=;\r\nemail;name\r\nann@example.com;\"a \"\"b\"\"\"\r\nbob@example.com\r\n";
    let sniffed = sniff(text, true);
    let want = vec![vec!["ann@example.com".to_owned(), "a \"b\"".to_owned()]];
    assert_eq!(sniffed.sample(text, 1), want);
    assert_eq!(sniffed.sample(text, 9).len(), 2);
    assert!(sniffed.sample(text, 0).is_empty());
}
