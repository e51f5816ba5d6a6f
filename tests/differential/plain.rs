//! Delimited text split byte by byte: as slow and as plain as can be.

/// One record: where it stands, and the text of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRecord {
    pub start: usize,
    pub content_end: usize,
    pub end: usize,
    pub cells: Vec<Vec<u8>>,
}

/// The records of `text` from `from` on; `None` when its last one ends inside quotes.
pub fn records(text: &[u8], from: usize, delimiter: u8) -> Option<Vec<PlainRecord>> {
    let mut records = Vec::new();
    let mut at = from;
    while at < text.len() {
        if matches!(text[at], b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let start = at;
        let mut cells = vec![Vec::new()];
        let (mut quoted, mut cell_start) = (false, true);
        while at < text.len() {
            let byte = text[at];
            let cell = cells.last_mut()?;
            if quoted {
                if byte != b'"' {
                    cell.push(byte);
                } else if text.get(at + 1) == Some(&b'"') {
                    cell.push(b'"');
                    at += 1;
                } else {
                    quoted = false;
                }
            } else if byte == b'"' && cell_start {
                quoted = true;
            } else if byte == delimiter {
                cells.push(Vec::new());
                cell_start = true;
                at += 1;
                continue;
            } else if matches!(byte, b'\r' | b'\n') {
                break;
            } else {
                cell.push(byte);
            }
            cell_start = false;
            at += 1;
        }
        if quoted {
            return None;
        }
        let content_end = at;
        at += match text.get(at..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        records.push(PlainRecord { start, content_end, end: at, cells });
    }
    Some(records)
}
