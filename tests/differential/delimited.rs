//! Records found 64 bytes at a time against byte by byte, and against `csv-core`.

use super::plain::{self, PlainRecord};
use quell::delimited::{
    AllCells, Cell, ChunkBuffer, Chunks, Dialect, FaultKind, Limits, Splitter, skip_byte_order_mark,
};

/// Panics unless all ways of splitting `text` agree, cut into chunks of `chunk_bytes`.
pub fn agree(text: &[u8], chunk_bytes: usize) {
    let from = skip_byte_order_mark(text);
    let plain = plain::records(text, from, b',');
    assert_eq!(split(text, from), plain, "the splitter");
    assert_eq!(in_chunks(text, chunk_bytes), plain, "the structure, in chunks of {chunk_bytes}");
    if let Some(plain) = plain {
        let cells: Vec<_> = plain.into_iter().map(|record| record.cells).collect();
        // It skips one byte order mark itself: behind ours it would skip a second one, which is text.
        assert_eq!(by_csv_core(text), cells, "csv-core");
    }
}

fn record(
    text: &[u8],
    offset: usize,
    found: quell::delimited::Record,
    cells: &[Cell],
) -> PlainRecord {
    let mut scratch = Vec::new();
    let cells = cells.iter().map(|cell| cell.text(text, &mut scratch).to_vec()).collect();
    PlainRecord {
        start: offset + found.start,
        content_end: offset + found.content_end,
        end: offset + found.end,
        cells,
    }
}

fn split(text: &[u8], from: usize) -> Option<Vec<PlainRecord>> {
    let mut splitter = Splitter::new(text, from, Dialect::CSV, Limits::default());
    let (mut cells, mut records) = (AllCells::default(), Vec::new());
    loop {
        match splitter.next_record(&mut cells) {
            Ok(Some(found)) => records.push(record(text, 0, found, cells.as_slice())),
            Ok(None) => return Some(records),
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::UnclosedQuote);
                return None;
            }
        }
    }
}

fn in_chunks(text: &[u8], chunk_bytes: usize) -> Option<Vec<PlainRecord>> {
    let limits = Limits { chunk_bytes, ..Limits::default() };
    let mut chunks = Chunks::new(text, Dialect::CSV, limits);
    // One buffer for all, so that what a chunk leaves behind would show in the next.
    let (mut buffer, mut cells) = (ChunkBuffer::default(), AllCells::default());
    let (mut records, mut offset) = (Vec::new(), 0);
    while chunks.next_chunk(&mut buffer).unwrap() {
        let mut of_chunk = buffer.records(Dialect::CSV, limits);
        loop {
            match of_chunk.next_record(&mut cells) {
                Ok(Some(found)) => {
                    records.push(record(buffer.bytes(), offset, found, cells.as_slice()));
                }
                Ok(None) => break,
                Err(fault) => {
                    assert_eq!(fault.kind, FaultKind::UnclosedQuote);
                    return None;
                }
            }
        }
        offset += buffer.bytes().len();
    }
    assert_eq!(offset, text.len(), "chunks lose or repeat bytes");
    Some(records)
}

/// Every record's cells as `csv-core` gives them.
fn by_csv_core(mut text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    use csv_core::{ReadFieldResult, Reader};
    let mut reader = Reader::new();
    let (mut records, mut cells, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = [0; 64];
    loop {
        let (result, read, written) = reader.read_field(text, &mut out);
        text = &text[read..];
        cell.extend_from_slice(&out[..written]);
        match result {
            // An empty input tells it that the text is over.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                cells.push(std::mem::take(&mut cell));
                if record_end {
                    records.push(std::mem::take(&mut cells));
                }
            }
            ReadFieldResult::End => return records,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::agree;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        /// Few letters and many structural bytes, long enough for several blocks of 64 bytes.
        #[test]
        fn random_text(
            text in prop::collection::vec(
                prop::sample::select(b"aaab,,\"\"\"\n\n\r \xff\0".to_vec()), 0..300,
            ),
            chunk_bytes in 1usize..200,
        ) {
            agree(&text, chunk_bytes);
        }

        /// Mostly regular rows, so that a rare quote has many blocks before and behind it.
        #[test]
        fn regular_rows_with_a_few_bytes_changed(
            rows in prop::collection::vec(
                prop::sample::select(vec!["1,a@example.com,x\n", "2,\"b, c\",\"d \"\"e\"\"\"\r\n", "3,,\n"]),
                1..40,
            ),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::sample::select(b"\",\n\ra".to_vec())), 0..4,
            ),
            chunk_bytes in 1usize..500,
        ) {
            let mut text = rows.concat().into_bytes();
            for (at, byte) in changes {
                let at = at.index(text.len());
                text[at] = byte;
            }
            agree(&text, chunk_bytes);
        }
    }

    /// Cells and records of every length around those of blocks and windows, blank lines between.
    #[test]
    fn cells_of_every_length() {
        for length in 0..400 {
            let long = "x".repeat(length);
            for text in [
                format!("{long},b\n1,{long}\r\n{long}\n"),
                format!("\n\n{long},\"{long}\",c\n\r\na,,{long}"),
            ] {
                agree(text.as_bytes(), 1 << 20);
                agree(text.as_bytes(), 100);
            }
        }
    }

    /// A quote, and a pair of them, at every place around the ends of blocks.
    #[test]
    fn quotes_at_every_place() {
        for at in 0..140 {
            for quotes in ["\"", "\"\"", "\",\"", "\"\n\"", ",\"", "\",", "\"\"\""] {
                let mut text = "abc,de\n".repeat(20).into_bytes();
                text.splice(at..at, quotes.bytes());
                agree(&text, 1 << 20);
                agree(&text, 64);
            }
        }
    }
}
