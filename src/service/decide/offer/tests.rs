use super::*;
use proptest::prelude::*;

const FILTER: &[u8] = b"POST /v1/filter?list=news HTTP/1.1\r\n";
const CHECK: &[u8] = b"POST /v1/check HTTP/1.1\r\n";

/// What is given out for bytes that come in these pieces.
fn given(bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
    let mut offer = Offer::new(());
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut lengths = pieces.iter().copied().chain(std::iter::repeat(usize::MAX));
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(1).clamp(1, rest.len());
        let (piece, after) = rest.split_at(length);
        out.extend(offer.take(piece).unwrap_or_else(|| piece.to_vec()));
        rest = after;
    }
    offer.let_go();
    out.extend_from_slice(&offer.held);
    out
}

/// A request, and what is to come out for it.
fn request(first: &[u8], headers: &[u8], body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let line: &[u8] = if first == FILTER { LINE } else { b"" };
    ([first, headers, b"\r\n", body].concat(), [first, line, headers, b"\r\n", body].concat())
}

/// Requests as clients write them, with bodies that look like requests.
fn usual() -> Vec<(Vec<u8>, Vec<u8>)> {
    let nested = [FILTER, b"\r\n"].concat();
    let length = format!("host: x\r\nContent-Length: {}\r\n", nested.len());
    let chunk = format!("{:x}", nested.len());
    let chunks = [chunk.as_bytes(), b";a=b\r\n", &nested, b"\r\n0\r\nx: y\r\n\r\n"].concat();
    let chunked: &[u8] = b"Transfer-Encoding: chunked\r\n";
    vec![
        request(CHECK, length.as_bytes(), &nested),
        request(FILTER, length.as_bytes(), &nested),
        request(b"GET /healthz HTTP/1.1\r\n", b"host: x\r\n", b""),
        request(FILTER, chunked, &chunks),
        request(CHECK, chunked, b"0\r\n\r\n"),
        request(FILTER, b"content-length: 0\r\n", b""),
        (b"\r\n".to_vec(), b"\r\n".to_vec()),
    ]
}

proptest! {
    #[test]
    fn a_line_is_put_into_exactly_the_requests_meant(
        which in prop::collection::vec(0_usize..7, 1..6),
        pieces in prop::collection::vec(1_usize..60, 0..60),
    ) {
        let all = usual();
        let sent: Vec<u8> = which.iter().flat_map(|at| all[*at].0.clone()).collect();
        let expected: Vec<u8> = which.iter().flat_map(|at| all[*at].1.clone()).collect();
        let out = given(&sent, &pieces);
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
    }
}

#[test]
fn where_lengths_are_not_certain_nothing_is_put_in_any_more() {
    for headers in [
        &b"content-length: 5\r\ncontent-length: 5\r\n"[..],
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: +5\r\n",
        b"content-length : 5\r\n",
        b"a: b\ncontent-length: 5\r\n",
        b"a: b\rc: d\r\n",
        b" content-length: 5\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"upgrade: x\r\n",
    ] {
        let (first, _) = request(CHECK, headers, b"");
        let (second, _) = request(FILTER, b"host: x\r\n", b"");
        let sent = [first, second].concat();
        for piece in [1, 7, sent.len()] {
            assert_eq!(given(&sent, &[piece; 500]), sent, "{}", String::from_utf8_lossy(headers));
        }
    }
}

#[test]
fn trailers_with_lines_that_programs_disagree_about_end_it() {
    let head = [CHECK, b"transfer-encoding: chunked\r\n\r\n0\r\nx: y\n\r\n"].concat();
    let sent = [&head, FILTER, b"\r\n"].concat();
    assert_eq!(given(&sent, &[]), sent);
}

#[test]
fn other_paths_and_versions_are_left_alone() {
    for first in [
        &b"POST /v1/filters HTTP/1.1\r\n"[..],
        b"POST /v1/filter HTTP/1.0\r\n",
        b"GET /v1/filter HTTP/1.1\r\n",
        b"post /v1/filter HTTP/1.1\r\n",
        b"POST /v1/filter HTTP/1.1\n",
    ] {
        let sent = [first, b"host: x\r\n\r\n"].concat();
        assert_eq!(given(&sent, &[3, 9]), sent);
    }
}

#[test]
fn what_never_becomes_a_line_is_given_out_at_the_end() {
    assert_eq!(given(b"POST /v1/fil", &[2]), b"POST /v1/fil");
}
