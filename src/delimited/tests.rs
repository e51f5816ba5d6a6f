//! The splitter against `csv-core` (through the `csv` crate), and chunking against no chunking.

use super::*;
use proptest::prelude::*;

fn texts() -> impl Strategy<Value = Vec<u8>> {
    // Few letters, many structural bytes: most random texts then hit an odd corner.
    let byte = prop_oneof![
        4 => Just(b'a'), 1 => Just(b'b'), 3 => Just(b','), 4 => Just(QUOTE),
        3 => Just(b'\n'), 2 => Just(b'\r'), 1 => Just(b' '), 1 => Just(0xff), 1 => Just(0),
    ];
    let mark = prop_oneof![6 => Just(&b""[..]), 1 => Just(&b"\xef\xbb\xbf"[..])];
    (mark, prop::collection::vec(byte, 0..80)).prop_map(|(mark, body)| [mark, &body].concat())
}

type Rows = Vec<Vec<Vec<u8>>>;

/// Every record's cells, and the bytes from the first record's start to the last one's end.
fn split(text: &[u8], from: usize, limits: Limits) -> Result<(Rows, Vec<Record>), Fault> {
    let mut splitter = Splitter::new(text, from, Dialect::CSV, limits);
    let (mut cells, mut rows, mut records) = (AllCells::default(), Vec::new(), Vec::new());
    while let Some(record) = splitter.next_record(&mut cells)? {
        let mut scratch = Vec::new();
        let texts = cells.as_slice().iter().map(|cell| cell.text(text, &mut scratch).to_vec());
        rows.push(texts.collect());
        records.push(record);
    }
    Ok((rows, records))
}

fn split_by_csv(text: &[u8]) -> Rows {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let rows = reader.byte_records().map(|row| row.unwrap());
    rows.map(|row| row.iter().map(<[u8]>::to_vec).collect()).collect()
}

/// [`split`] by way of the structure.
fn split_by_structure(
    text: &[u8],
    from: usize,
    limits: Limits,
) -> Result<(Rows, Vec<Record>), Fault> {
    let mut structure = Structure::default();
    // What an earlier text left behind must not matter.
    structure.scan(&[b'"', b',', b'\n'].repeat(80), 0, b',');
    structure.scan(text, from, b',');
    let mut source = Records::new(text, from, &structure, Dialect::CSV, limits);
    let (mut cells, mut rows, mut records) = (AllCells::default(), Vec::new(), Vec::new());
    while let Some(record) = source.next_record(&mut cells)? {
        let mut scratch = Vec::new();
        let texts = cells.as_slice().iter().map(|cell| cell.text(text, &mut scratch).to_vec());
        rows.push(texts.collect());
        records.push(record);
    }
    Ok((rows, records))
}

fn whole(text: &[u8]) -> Result<(Rows, Vec<Record>), Fault> {
    split(text, skip_byte_order_mark(text), Limits::default())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn the_splitter_equals_csv_core(text in texts()) {
        match whole(&text) {
            Ok((rows, records)) => {
                prop_assert_eq!(rows, split_by_csv(&text));
                // What lies between records is blank lines and nothing else.
                let mut at = skip_byte_order_mark(&text);
                for record in records {
                    prop_assert!(text[at..record.start].iter().all(|byte| b"\r\n".contains(byte)));
                    at = record.end;
                }
                prop_assert!(text[at..].iter().all(|byte| b"\r\n".contains(byte)));
            }
            Err(fault) => {
                prop_assert_eq!(fault.kind, FaultKind::UnclosedQuote);
                // Closing the quote makes it a text both agree on again.
                let closed = [&text[..], b"\""].concat();
                if let Ok((rows, _)) = whole(&closed) {
                    prop_assert_eq!(rows, split_by_csv(&closed));
                }
            }
        }
    }

    #[test]
    fn the_structure_gives_what_the_splitter_gives(
        text in texts(),
        repeat in 1usize..9,
        record_bytes_max in prop_oneof![Just(1_usize << 20), 0usize..60],
    ) {
        // Repeated, so that quotes and record ends stand before, at and behind the ends of blocks.
        let text = text.repeat(repeat);
        let from = skip_byte_order_mark(&text);
        let limits = Limits { record_bytes_max, ..Limits::default() };
        prop_assert_eq!(split_by_structure(&text, from, limits), split(&text, from, limits));
    }

    #[test]
    fn the_structure_from_any_record_on_gives_the_rest(text in texts(), repeat in 1usize..9) {
        let text = text.repeat(repeat);
        let from = skip_byte_order_mark(&text);
        let mut structure = Structure::default();
        structure.scan(&text, from, b',');
        let Ok((rows, records)) = whole(&text) else { return Ok(()) };
        for (at, record) in records.iter().enumerate() {
            let mut one = OneCell::new(1);
            let mut source = Records::new(&text, record.start, &structure, Dialect::CSV, Limits::default());
            prop_assert_eq!(source.next_record(&mut one).unwrap(), Some(*record));
            let mut scratch = Vec::new();
            let cell = one.get().map(|cell| cell.text(&text, &mut scratch).to_vec());
            prop_assert_eq!(cell.as_ref(), rows[at].get(1));
        }
    }

    #[test]
    fn any_chunk_size_gives_the_same_records(text in texts(), chunk_bytes in 1usize..40) {
        let limits = Limits { chunk_bytes, record_bytes_max: 1 << 20 };
        let mut chunks = Chunks::new(&text[..], Dialect::CSV, limits);
        let (mut buffer, mut rows, mut bytes) = (ChunkBuffer::default(), Vec::new(), Vec::new());
        let mut fault = None;
        while chunks.next_chunk(&mut buffer).unwrap() {
            prop_assert_eq!(buffer.offset, bytes.len() as u64);
            bytes.extend_from_slice(buffer.bytes());
            let mut records = buffer.records(Dialect::CSV, limits);
            let mut cells = AllCells::default();
            let mut scanned = || -> Result<Vec<Record>, Fault> {
                let mut all = Vec::new();
                while let Some(record) = records.next_record(&mut cells)? {
                    all.push(record);
                }
                Ok(all)
            };
            let scanned = scanned();
            let plain = split(buffer.bytes(), buffer.from, limits);
            prop_assert_eq!(&scanned, &plain.clone().map(|(_, records)| records));
            match plain {
                Ok((more, _)) => rows.extend(more),
                Err(found) => fault = Some(found.kind),
            }
        }
        prop_assert_eq!(&bytes, &text);
        match whole(&text) {
            Ok((whole, _)) => { prop_assert_eq!(fault, None); prop_assert_eq!(rows, whole); }
            Err(found) => prop_assert_eq!(fault, Some(found.kind)),
        }
    }

    #[test]
    fn a_written_cell_reads_back(cell in texts()) {
        let mut text = b"x,".to_vec();
        Dialect::CSV.write_cell(&cell, &mut text);
        let (rows, _) = whole(&text).unwrap();
        prop_assert_eq!(&rows[0][1], &cell);
    }

    #[test]
    fn wanted_cells_are_those_of_all_cells(text in texts(), column in 0usize..4) {
        let mut wanted = WantedCells::new([column, 0]);
        let mut splitter = Splitter::new(&text, 0, Dialect::CSV, Limits::default());
        let mut all = Splitter::new(&text, 0, Dialect::CSV, Limits::default());
        let mut cells = AllCells::default();
        while let (Ok(Some(one)), Ok(Some(two))) =
            (splitter.next_record(&mut wanted), all.next_record(&mut cells))
        {
            prop_assert_eq!(one, two);
            let place = wanted.place(column).unwrap();
            prop_assert_eq!(wanted.at(place), cells.as_slice().get(column).copied());
        }
        prop_assert_eq!(splitter.position(), all.position());
    }
}

#[test]
fn a_record_over_the_limit_is_a_fault_where_it_begins() {
    let limits = Limits { chunk_bytes: 4, record_bytes_max: 8 };
    let found = |text: &[u8]| {
        let mut chunks = Chunks::new(text, Dialect::CSV, limits);
        let mut buffer = ChunkBuffer::default();
        while chunks.next_chunk(&mut buffer).unwrap() {
            if let Err(fault) = split(buffer.bytes(), buffer.from, limits) {
                return Some((fault.kind, buffer.offset + fault.at as u64));
            }
        }
        None
    };
    assert_eq!(found(b"a\r\n12345678\r\nb\r\n"), None);
    let too_long = FaultKind::RecordTooLong { limit: 8 };
    assert_eq!(found(b"a\r\n123456789\r\nb\r\n"), Some((too_long, 3)));
    assert_eq!(found(b"a\nb,\"345678901234567890"), Some((FaultKind::UnclosedQuote, 4)));
}
