//! A column that is looked into, as cells of a text.

use super::source::Source;
use crate::delimited::Cell;
use crate::error::Result;
use ::parquet::basic::SortOrder;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};

/// A column of a row group, read from its start on.
pub(super) struct Column {
    reader: ColumnReader,
    /// The level of a value that is there.
    there: i16,
    repeated: bool,
    unsigned: bool,
    name: String,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    texts: Vec<ByteArray>,
    cells: Vec<Cell>,
    /// One past each row's last cell.
    ends: Vec<usize>,
}

impl Column {
    /// The column number `leaf` of a row group.
    ///
    /// # Errors
    ///
    /// As [`Source::column`].
    pub fn open(source: &Source, group: usize, leaf: usize) -> Result<Self> {
        let description = source.schema().column(leaf);
        Ok(Self {
            reader: source.column(group, leaf)?,
            there: description.max_def_level(),
            repeated: description.max_rep_level() > 0,
            unsigned: description.sort_order() == SortOrder::UNSIGNED,
            name: description.path().string(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            texts: Vec::new(),
            cells: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// The cells of a row of those just read, at least one: what is null is an empty cell.
    pub fn cells(&self, row: usize) -> &[Cell] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[start..self.ends[row]]
    }

    /// Reads the next `rows` rows; their cells are appended to `text`.
    ///
    /// # Errors
    ///
    /// When the column can't be read, or has fewer rows.
    pub fn read(&mut self, rows: usize, source: &Source, text: &mut Vec<u8>) -> Result<()> {
        self.definitions.clear();
        self.repetitions.clear();
        self.texts.clear();
        let (definitions, repetitions) = (&mut self.definitions, &mut self.repetitions);
        let texts = &mut self.texts;
        let unsigned = self.unsigned;
        let read = match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                reader.read_records(rows, Some(definitions), Some(repetitions), texts)
            }
            ColumnReader::Int32ColumnReader(reader) => {
                let digits = |id: i32| match unsigned {
                    true => id.cast_unsigned().to_string(),
                    false => id.to_string(),
                };
                read_ids(reader, rows, definitions, texts, digits)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let digits = |id: i64| match unsigned {
                    true => id.cast_unsigned().to_string(),
                    false => id.to_string(),
                };
                read_ids(reader, rows, definitions, texts, digits)
            }
            // Not reached: such a column is refused when it is asked for.
            _ => Ok((0, 0, 0)),
        };
        let (records, _, levels) = read.map_err(|error| source.unreadable(&error))?;
        if records != rows || !self.place(levels, text) || self.ends.len() != rows {
            let message = format!("column `{}` has fewer rows than its row group", self.name);
            return Err(source.damaged(&message));
        }
        Ok(())
    }

    /// Appends the texts just read to `text`, and says whether there was one for each level that says so.
    fn place(&mut self, levels: usize, text: &mut Vec<u8>) -> bool {
        self.cells.clear();
        self.ends.clear();
        let mut texts = self.texts.iter();
        for level in 0..levels {
            let starts = !self.repeated || self.repetitions.get(level) == Some(&0);
            if starts && level > 0 {
                self.ends.push(self.cells.len());
            }
            let start = text.len();
            if self.there == 0 || self.definitions.get(level) == Some(&self.there) {
                let Some(next) = texts.next() else { return false };
                text.extend_from_slice(next.data());
            }
            self.cells.push(Cell { start, end: text.len(), quoted: false });
        }
        if levels > 0 {
            self.ends.push(self.cells.len());
        }
        texts.next().is_none()
    }

    /// Makes one cell of each row's, `a;b`, if the rows hold lists of texts.
    ///
    /// # Errors
    ///
    /// The row in which a text of several holds a `;` itself.
    pub fn join(&mut self, text: &mut Vec<u8>) -> std::result::Result<(), usize> {
        if !self.repeated {
            return Ok(());
        }
        let joined = (0..self.ends.len()).map(|row| {
            let start = text.len();
            for cell in self.cells(row).to_vec() {
                if cell.raw(text).contains(&b';') {
                    return Err(row);
                }
                text.extend_from_within(cell.start..cell.end);
                text.push(b';');
            }
            Ok(Cell { start, end: text.len(), quoted: false })
        });
        self.cells = joined.collect::<std::result::Result<_, usize>>()?;
        self.ends = (1..=self.cells.len()).collect();
        Ok(())
    }

    /// Refuses a column that has more rows than were read.
    ///
    /// # Errors
    ///
    /// When there are more, or it can't be read on.
    pub fn at_end(&mut self, source: &Source) -> Result<()> {
        super::copy::at_end(&mut self.reader, source)
    }
}

/// Reads ids that are integers, as texts.
fn read_ids<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    definitions: &mut Vec<i16>,
    texts: &mut Vec<ByteArray>,
    digits: impl Fn(T::T) -> String,
) -> ::parquet::errors::Result<(usize, usize, usize)> {
    let mut ids = Vec::new();
    let read = reader.read_records(rows, Some(definitions), None, &mut ids)?;
    texts.extend(ids.into_iter().map(|id| ByteArray::from(digits(id).into_bytes())));
    Ok(read)
}
