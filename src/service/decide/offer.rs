//! Trailers for every client of `/v1/filter`.
//!
//! The server sends trailers only to clients whose request says `TE: trailers`. Few do, though every client that reads
//! chunks has to read over trailers, and most can show them. So this line is put into such a request on its way from
//! the network, behind its first line.
//!
//! Bytes are put in only where a request certainly begins, or a line would become part of somebody's body. So where
//! requests begin is followed from the connection's first byte on, by what RFC 9112 says of lengths, and strictly: as
//! soon as anything is written otherwise than every client writes it, nothing is put in any more on that connection.

use memchr::{memchr, memchr_iter};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a request begins with that is answered with trailers.
const BEGINNING: &[u8] = b"POST /v1/filter";
/// What is put in behind its first line.
const LINE: &[u8] = b"te: trailers\r\n";
/// How long a head may be that is followed.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A connection whose requests for trailers are made explicit.
pub struct Offer<S> {
    stream: S,
    /// What was read and is to be given out before anything else.
    held: Vec<u8>,
    given: usize,
    place: Place,
}

/// Where in a request the next byte read stands.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In its first line, of which these bytes were read, and none given out.
    Line(Vec<u8>),
    /// In the lines of its head, of which these bytes were read.
    Head(Vec<u8>),
    /// In its body, with so many bytes to come.
    Body(u64),
    /// In a body of chunks.
    Chunks(Chunks),
    /// Not known: nothing is put in any more.
    Lost,
}

/// Where in a body of chunks.
#[derive(Debug, PartialEq, Eq)]
enum Chunks {
    /// In the line of a chunk's length, of which these bytes were read.
    Length(Vec<u8>),
    /// In a chunk, with so many bytes to come, the line end behind them included.
    Chunk(u64),
    /// In the lines behind the last chunk, of which these bytes were read.
    Trailers(Vec<u8>),
}

impl<S> Offer<S> {
    /// A connection from its first byte on.
    pub fn new(stream: S) -> Self {
        Self { stream, held: Vec::new(), given: 0, place: Place::Line(Vec::new()) }
    }

    /// Takes what was read; gives what is to be given out instead, if that is something else.
    fn take(&mut self, read: &[u8]) -> Option<Vec<u8>> {
        let mut instead: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some(rest) = read.get(at..).filter(|rest| !rest.is_empty()) {
            let (used, out) = self.place.step(rest);
            match (out, &mut instead) {
                (Out::AsItIs, None) => {}
                (out, instead) => {
                    let instead =
                        instead.get_or_insert_with(|| read.get(..at).unwrap_or_default().to_vec());
                    match out {
                        Out::AsItIs => {
                            instead.extend_from_slice(rest.get(..used).unwrap_or_default())
                        }
                        Out::Nothing => {}
                        Out::This(bytes) => instead.extend_from_slice(&bytes),
                    }
                }
            }
            at += used;
        }
        instead
    }

    /// What was held back, when nothing more will come: whoever reads is to see that it is not whole.
    fn let_go(&mut self) {
        if let Place::Line(line) = &mut self.place {
            self.held.append(line);
            self.place = Place::Lost;
        }
    }
}

/// What is given out for bytes read.
enum Out {
    AsItIs,
    Nothing,
    This(Vec<u8>),
}

impl Place {
    /// Goes on over bytes that were read, at least one: how many it used, and what is given out for them.
    fn step(&mut self, rest: &[u8]) -> (usize, Out) {
        match self {
            Self::Line(line) => {
                let Some(feed) = memchr(b'\n', rest) else {
                    line.extend_from_slice(rest);
                    // Not what is looked for, or too long to be: given out, and followed on.
                    let is_none = !could_begin(line) || line.len() > HEAD_BYTES_MAX;
                    if !is_none {
                        return (rest.len(), Out::Nothing);
                    }
                    let line = std::mem::take(line);
                    *self = if line.len() > HEAD_BYTES_MAX {
                        Self::Lost
                    } else {
                        Self::Head(line.clone())
                    };
                    return (rest.len(), Out::This(line));
                };
                let was_given = line.is_empty();
                line.extend_from_slice(rest.get(..=feed).unwrap_or_default());
                let line = std::mem::take(line);
                let out = match (asks(&line), was_given) {
                    (true, _) => Out::This([&line, LINE].concat()),
                    (false, true) => Out::AsItIs,
                    (false, false) => Out::This(line.clone()),
                };
                // An empty line before a request is skipped by servers, and another first line begins.
                *self = match line.as_slice() {
                    b"\r\n" => Self::Line(Vec::new()),
                    _ => Self::Head(line),
                };
                (feed + 1, out)
            }
            Self::Head(head) => {
                let (used, is_whole) = until_empty_line(head, rest);
                if is_whole {
                    *self = behind(head);
                } else if head.len() > HEAD_BYTES_MAX {
                    *self = Self::Lost;
                }
                (used, Out::AsItIs)
            }
            Self::Body(left) => {
                let used = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= used as u64;
                if *left == 0 {
                    *self = Self::Line(Vec::new());
                }
                (used, Out::AsItIs)
            }
            Self::Chunks(chunks) => {
                let (used, next) = chunks.step(rest);
                if let Some(next) = next {
                    *self = next;
                }
                (used, Out::AsItIs)
            }
            Self::Lost => (rest.len(), Out::AsItIs),
        }
    }
}

impl Chunks {
    /// As [`Place::step`]; with where it goes on, if elsewhere.
    fn step(&mut self, rest: &[u8]) -> (usize, Option<Place>) {
        match self {
            Self::Length(line) => {
                let end = memchr(b'\n', rest).map_or(rest.len(), |feed| feed + 1);
                line.extend_from_slice(rest.get(..end).unwrap_or_default());
                if line.last() != Some(&b'\n') {
                    return (end, (line.len() > 1024).then_some(Place::Lost));
                }
                let next = match chunk_length(line) {
                    Some(0) => Place::Chunks(Self::Trailers(b"\r\n".to_vec())),
                    Some(length) => Place::Chunks(Self::Chunk(length + 2)),
                    None => Place::Lost,
                };
                (end, Some(next))
            }
            Self::Chunk(left) => {
                let used = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= used as u64;
                (used, (*left == 0).then(|| Place::Chunks(Self::Length(Vec::new()))))
            }
            Self::Trailers(lines) => {
                let (used, is_whole) = until_empty_line(lines, rest);
                let next = if is_whole && is_strict(lines) {
                    Some(Place::Line(Vec::new()))
                } else if is_whole {
                    Some(Place::Lost)
                } else {
                    (lines.len() > HEAD_BYTES_MAX).then_some(Place::Lost)
                };
                (used, next)
            }
        }
    }
}

/// Says whether a line may become one that is looked for.
fn could_begin(line: &[u8]) -> bool {
    let length = line.len().min(BEGINNING.len());
    line.get(..length) == BEGINNING.get(..length) || line == b"\r"
}

/// Says whether a whole first line asks for an answer with trailers.
fn asks(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(BEGINNING) else { return false };
    let is_path = matches!(rest.first(), Some(b' ' | b'?'));
    is_path && rest.ends_with(b" HTTP/1.1\r\n")
}

/// Adds bytes to the lines that were read, up to the end of an empty line; how many, and whether that is there.
fn until_empty_line(lines: &mut Vec<u8>, rest: &[u8]) -> (usize, bool) {
    for feed in memchr_iter(b'\n', rest) {
        let before = rest.get(..feed).unwrap_or_default();
        let is_empty = match before {
            [] => lines.ends_with(b"\n\r"),
            [b'\r'] => lines.ends_with(b"\n"),
            _ => before.ends_with(b"\n\r"),
        };
        if is_empty {
            lines.extend_from_slice(rest.get(..=feed).unwrap_or_default());
            return (feed + 1, true);
        }
    }
    lines.extend_from_slice(rest);
    (rest.len(), false)
}

/// Says whether every line ends in a return and a feed, and neither stands anywhere else: else programs disagree about
/// where lines end.
fn is_strict(lines: &[u8]) -> bool {
    let mut after_return = false;
    lines.iter().all(|byte| {
        let fits = (*byte == b'\n') == after_return;
        after_return = *byte == b'\r';
        fits
    })
}

/// What stands behind a head.
fn behind(head: &[u8]) -> Place {
    if !is_strict(head) || head.starts_with(b"CONNECT") {
        return Place::Lost;
    }
    let (mut length, mut is_chunked) = (None, false);
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = memchr(b':', line) else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let Some(number) = digits(value).filter(|_| length.is_none()) else {
                return Place::Lost;
            };
            length = Some(number);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Place::Lost;
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") || name != name.trim_ascii() {
            return Place::Lost;
        }
    }
    match (length, is_chunked) {
        (Some(_), true) => Place::Lost,
        (None, true) => Place::Chunks(Chunks::Length(Vec::new())),
        (None | Some(0), false) => Place::Line(Vec::new()),
        (Some(length), false) => Place::Body(length),
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let are_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| are_digits)?.parse().ok()
}

/// The length that a chunk's first line says; what follows a `;` says nothing of it.
fn chunk_length(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r\n")?;
    let number = line.split(|byte| *byte == b';').next()?;
    let is_number =
        !number.is_empty() && number.len() <= 15 && number.iter().all(u8::is_ascii_hexdigit);
    let number = std::str::from_utf8(number).ok().filter(|_| is_number)?;
    (memchr(b'\r', line).is_none()).then(|| u64::from_str_radix(number, 16).ok()).flatten()
}

impl<S: AsyncRead + Unpin> AsyncRead for Offer<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.given < this.held.len() {
                let left = this.held.get(this.given..).unwrap_or_default();
                let count = left.len().min(buffer.remaining());
                buffer.put_slice(left.get(..count).unwrap_or_default());
                this.given += count;
                if this.given == this.held.len() {
                    this.held.clear();
                    this.given = 0;
                }
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            if read.is_empty() {
                this.let_go();
                if this.held.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            let Some(instead) = this.take(read) else { return Poll::Ready(Ok(())) };
            buffer.set_filled(before);
            // Nothing given out would be the end: then more is read first.
            this.held = instead;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Offer<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
