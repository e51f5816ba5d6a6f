//! Texts in every encoding that is read, whole and broken, in blocks of every length.

use super::*;

fn utf16(text: &str, low_first: bool) -> Vec<u8> {
    let bytes = |unit: u16| if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

/// A reader that gives so many bytes at once.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

fn read_as(bytes: &[u8], choice: Option<EncodingChoice>) -> Result<(Encoding, String)> {
    let mut whole = None;
    for step in [1, 2, 3, 7, 1 << 20] {
        let mut input = text(Dripping(bytes, step), "list.csv", choice)?;
        let mut utf8 = Vec::new();
        input
            .read_to_end(&mut utf8)
            .map_err(|error| Error::reading(Path::new("list.csv"), error))?;
        let got = (input.encoding(), String::from_utf8(utf8).expect("only UTF-8 comes out"));
        assert_eq!(whole.get_or_insert_with(|| got.clone()), &got, "{step} bytes at once");
    }
    Ok(whole.unwrap())
}

fn read(bytes: &[u8]) -> Result<(Encoding, String)> {
    read_as(bytes, None)
}

#[track_caller]
fn refused(bytes: &[u8], choice: Option<EncodingChoice>, words: &str) {
    let error = read_as(bytes, choice).unwrap_err();
    assert!(error.to_string().contains(words), "{error}: {words}");
    assert_eq!(error.kind(), crate::ErrorKind::Input);
    assert!(error.hint().is_some());
}

const TEXT: &str = "email;name\r\nann@example.com;Zoë 𝄞 Öztürk\r\n";

#[test]
fn every_encoding_comes_out_as_utf_8_without_a_mark() {
    let marked = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
    let text = || TEXT.to_owned();
    assert_eq!(read(TEXT.as_bytes()).unwrap(), (Encoding::Utf8, text()));
    assert_eq!(read(&marked).unwrap(), (Encoding::Utf8Mark, text()));
    for (low_first, mark, encoding) in
        [(true, b"\xff\xfe", Encoding::Utf16Le), (false, b"\xfe\xff", Encoding::Utf16Be)]
    {
        let bare = utf16(TEXT, low_first);
        assert_eq!(read(&bare).unwrap(), (encoding, text()));
        assert_eq!(read(&[&mark[..], &bare].concat()).unwrap(), (encoding, text()));
    }
    let latin = b"email;name\r\nann@example.com;Zo\xeb \x80 \xd6zt\xfcrk\r\n";
    let want = "email;name\r\nann@example.com;Zoë € Öztürk\r\n".to_owned();
    assert_eq!(read(latin).unwrap(), (Encoding::Latin1, want));
    assert_eq!(read(b"").unwrap(), (Encoding::Utf8, String::new()));
}

#[test]
fn what_the_user_says_goes_before_what_the_bytes_say() {
    let utf8 = "é".as_bytes();
    assert_eq!(read_as(utf8, Some(EncodingChoice::Latin1)).unwrap().1, "Ã©");
    assert_eq!(read_as(b"a\0", Some(EncodingChoice::Utf8)).unwrap().1, "a\0");
    // No NUL says which byte comes first: the low one, as on Windows.
    let greek = utf16("\u{3b1}\u{3b2}", true);
    assert_eq!(read_as(&greek, Some(EncodingChoice::Utf16)).unwrap().1, "αβ");
    refused(b"caf\xe9\n", Some(EncodingChoice::Utf8), "byte 3 is not UTF-8");
    assert!(
        "latin-1".parse::<EncodingChoice>().is_ok() && "utf-7".parse::<EncodingChoice>().is_err()
    );
}

#[test]
fn a_byte_that_the_encoding_does_not_allow_is_named_by_its_place() {
    refused(b"caf\xe9 \x81\n", None, "byte 5 is not Windows-1252");
    for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
        refused(&[0xe9, byte], None, "byte 1 is not Windows-1252");
    }
    let (high, low) = (b"\x34\xd8", b"\x1e\xdd");
    let mark = b"\xff\xfe";
    let two = b"a\0b\0";
    refused(&[&mark[..], two, high, two].concat(), None, "byte 6 is not UTF-16");
    refused(&[&mark[..], two, low].concat(), None, "byte 6 is not UTF-16");
    refused(&[&mark[..], two, high].concat(), None, "byte 6 is not UTF-16");
    refused(&[&mark[..], two, b"c"].concat(), None, "byte 6 is not UTF-16");
    refused(b"\xef\xbb\xbfab\xff", None, "byte 5 is not UTF-8");
    refused(b"\xff\xfe\0\0a\0\0\0", None, "UTF-32");
}

/// The prefix decides; what contradicts it later is told with its place and the way out.
#[test]
fn a_later_byte_that_contradicts_the_start_is_an_error() {
    let mut bytes = b"email,name\n".to_vec();
    while bytes.len() < DECIDING_BYTES + 100 {
        bytes.extend_from_slice(b"ann@example.com,Ann\n");
    }
    let at = bytes.len();
    bytes.extend_from_slice(b"bob@example.com,Bj\xf6rn\n");
    let mut input = text(&bytes[..], "list.csv", None).unwrap();
    let error = input.read_to_end(&mut Vec::new()).unwrap_err();
    let error = Error::reading(Path::new("list.csv"), error);
    let want = format!("`list.csv`: byte {} is not UTF-8", at + 18);
    assert_eq!(error.to_string(), want);
    assert!(error.hint().is_some_and(|hint| hint.contains("--encoding latin-1")));
    let mut input = text(&bytes[..], "list.csv", Some(EncodingChoice::Latin1)).unwrap();
    let mut utf8 = String::new();
    input.read_to_string(&mut utf8).unwrap();
    assert!(utf8.ends_with("Björn\n"));
}

/// The end of what is looked at may stand inside a character.
#[test]
fn a_character_across_the_end_of_the_start_decides_nothing() {
    for shift in 0..4 {
        let mut bytes = vec![b'a'; DECIDING_BYTES - shift];
        bytes.extend_from_slice("𝄞é\n".as_bytes());
        let mut input = text(&bytes[..], "list.csv", None).unwrap();
        assert_eq!(input.encoding(), Encoding::Utf8);
        let mut utf8 = String::new();
        input.read_to_string(&mut utf8).unwrap();
        assert_eq!(utf8.len(), bytes.len());
    }
}

#[test]
fn nuls_in_a_text_of_one_byte_a_character_do_not_make_it_utf_16() {
    for bytes in [&b"email\nann\0@example.com\n"[..], b"a\0\0b\0\0c\0\0", b"\0\0\0\0"] {
        assert_eq!(read(bytes).unwrap().0, Encoding::Utf8, "{bytes:?}");
    }
}

#[test]
fn an_error_stays_one() {
    let mut input = text(&b"ab\xef\xbb"[..], "x", Some(EncodingChoice::Utf8)).unwrap();
    assert!(input.read_to_end(&mut Vec::new()).is_err());
    assert!(input.read(&mut [0; 4]).is_err());
}
