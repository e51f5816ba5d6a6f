//! gzip files: member after member, and nothing else behind them.

use super::counted::Counted;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Decompresses all members of a gzip file.
///
/// Zeros behind the last member are padding, as `gzip` has it for tapes; anything else there is an error: it
/// may be the rest of a list whose next member was damaged.
pub(super) struct Gzip<R> {
    state: State<R>,
}

enum State<R> {
    Member(Box<GzDecoder<Counted<R>>>),
    Ended(Counted<R>),
    /// Only while the state changes.
    Between,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(Counted::new(input)))) }
    }

    /// Goes on behind a member that ended whole: to the next one, or to the end of the file.
    fn next_member(&mut self) -> io::Result<()> {
        let State::Member(decoder) = std::mem::replace(&mut self.state, State::Between) else {
            return Ok(());
        };
        let mut input = decoder.into_inner();
        match only_padding(&mut input) {
            Ok(false) => self.state = State::Member(Box::new(GzDecoder::new(input))),
            Ok(true) => self.state = State::Ended(input),
            Err(error) => {
                self.state = State::Ended(input);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Says whether nothing but padding is left; `false` when something begins that looks like a member.
fn only_padding(input: &mut impl BufRead) -> io::Result<bool> {
    if input.fill_buf()?.first() == Some(&0x1f) {
        return Ok(false);
    }
    loop {
        let left = input.fill_buf()?;
        let (count, zeros) = (left.len(), left.iter().take_while(|byte| **byte == 0).count());
        input.consume(zeros);
        if count == 0 {
            return Ok(true);
        }
        if zeros < count {
            let message = "something else stands behind the end of its data";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

impl<R> Gzip<R> {
    /// The compressed bytes; `None` only after a panic.
    pub(super) fn input(&self) -> Option<&Counted<R>> {
        match &self.state {
            State::Member(decoder) => Some(decoder.get_ref()),
            State::Ended(input) => Some(input),
            State::Between => None,
        }
    }

    pub(super) fn into_inner(self) -> Option<R> {
        match self.state {
            State::Member(decoder) => Some(decoder.into_inner().into_inner()),
            State::Ended(input) => Some(input.into_inner()),
            State::Between => None,
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let State::Member(decoder) = &mut self.state {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}
