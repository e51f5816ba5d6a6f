//! A column's rows, kept and withheld apart, as they are stored.

use super::source::Source;
use super::unwritable;
use crate::error::{Error, Result};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::column::writer::{
    ColumnCloseResult, ColumnWriter, ColumnWriterImpl, get_column_writer,
    get_typed_column_writer_mut,
};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96Type,
};
use ::parquet::file::properties::WriterPropertiesPtr;
use ::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use ::parquet::schema::types::ColumnDescPtr;
use bytes::Bytes;

/// How many rows are copied at a time.
const BATCH_ROWS: usize = 4096;

/// A column of a row group as it will stand in a file.
pub(super) struct Encoded {
    pub bytes: Bytes,
    pub close: ColumnCloseResult,
}

/// A column of a row group, as it is to be written.
pub(super) struct Wanted<'a> {
    pub description: ColumnDescPtr,
    pub properties: &'a WriterPropertiesPtr,
}

/// A column made in memory.
struct Made(TrackedWrite<Vec<u8>>);

impl Made {
    fn new() -> Self {
        Self(TrackedWrite::new(Vec::new()))
    }

    fn writer(&mut self, wanted: &Wanted<'_>) -> ColumnWriter<'_> {
        let pages = Box::new(SerializedPageWriter::new(&mut self.0));
        get_column_writer(wanted.description.clone(), wanted.properties.clone(), pages)
    }

    fn finish(self, close: ColumnCloseResult) -> Result<Encoded> {
        let bytes = self.0.into_inner().map_err(|error| unwritable("output", error))?;
        Ok(Encoded { bytes: bytes.into(), close })
    }
}

/// Copies a column of a row group: the rows that are kept, and those that are not, each where it is wanted.
///
/// # Errors
///
/// When the column can't be read, or has not as many rows as there are in `rows`.
pub(super) fn copy_column(
    source: &Source,
    (group, leaf): (usize, usize),
    rows: &[bool],
    kept: Option<Wanted<'_>>,
    withheld: Option<Wanted<'_>>,
) -> Result<(Option<Encoded>, Option<Encoded>)> {
    let mut reader = source.column(group, leaf)?;
    let (mut kept_bytes, mut withheld_bytes) = (Made::new(), Made::new());
    let mut kept = kept.map(|wanted| kept_bytes.writer(&wanted));
    let mut withheld = withheld.map(|wanted| withheld_bytes.writer(&wanted));
    let description = source.schema().column(leaf);
    let copy = Copy {
        source,
        rows,
        there: description.max_def_level(),
        deepest: description.max_rep_level(),
        nullable: description.max_def_level() > 0,
        repeated: description.max_rep_level() > 0,
    };
    macro_rules! copy {
        ($($reader:ident $type:ty,)*) => {
            match &mut reader {
                $(ColumnReader::$reader(reader) => copy.run::<$type>(
                    reader,
                    kept.as_mut().map(get_typed_column_writer_mut),
                    withheld.as_mut().map(get_typed_column_writer_mut),
                ),)*
            }
        };
    }
    copy! {
        BoolColumnReader BoolType,
        Int32ColumnReader Int32Type,
        Int64ColumnReader Int64Type,
        Int96ColumnReader Int96Type,
        FloatColumnReader FloatType,
        DoubleColumnReader DoubleType,
        ByteArrayColumnReader ByteArrayType,
        FixedLenByteArrayColumnReader FixedLenByteArrayType,
    }?;
    at_end(&mut reader, source)?;
    let closed = |writer: Option<ColumnWriter<'_>>| {
        writer.map(ColumnWriter::close).transpose().map_err(|error| source.unreadable(&error))
    };
    let kept = closed(kept)?.map(|close| kept_bytes.finish(close)).transpose()?;
    let withheld = closed(withheld)?.map(|close| withheld_bytes.finish(close)).transpose()?;
    Ok((kept, withheld))
}

/// Makes a column of texts, none of them null, where the schema lets them be.
///
/// # Errors
///
/// When they can't be written.
pub(super) fn texts(wanted: &Wanted<'_>, texts: &[ByteArray]) -> Result<Encoded> {
    let mut made = Made::new();
    let mut writer = made.writer(wanted);
    let levels = vec![wanted.description.max_def_level(); texts.len()];
    get_typed_column_writer_mut::<ByteArrayType>(&mut writer)
        .write_batch(texts, Some(&levels), None)
        .map_err(|error| unwritable("suppressed file", error))?;
    let close = writer.close().map_err(|error| unwritable("suppressed file", error))?;
    made.finish(close)
}

/// Refuses a column that goes on when all rows of its group are read.
///
/// # Errors
///
/// When it does, or can't be read on.
pub(super) fn at_end(reader: &mut ColumnReader, source: &Source) -> Result<()> {
    let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
    macro_rules! more {
        ($($reader:ident)*) => {
            match reader {
                $(ColumnReader::$reader(reader) => reader.read_records(
                    1,
                    Some(&mut definitions),
                    Some(&mut repetitions),
                    &mut Vec::new(),
                ),)*
            }
        };
    }
    let more = more! {
        BoolColumnReader Int32ColumnReader Int64ColumnReader Int96ColumnReader FloatColumnReader
        DoubleColumnReader ByteArrayColumnReader FixedLenByteArrayColumnReader
    };
    match more.map_err(|error| source.unreadable(&error))? {
        (0, _, 0) => Ok(()),
        _ => Err(source.damaged("a column has more rows than its row group")),
    }
}

/// Levels and values of some rows.
struct Part<T> {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Vec<T>,
}

impl<T> Part<T> {
    fn new() -> Self {
        Self { definitions: Vec::new(), repetitions: Vec::new(), values: Vec::new() }
    }

    fn clear(&mut self) {
        self.definitions.clear();
        self.repetitions.clear();
        self.values.clear();
    }
}

/// Copies a column.
struct Copy<'a> {
    source: &'a Source,
    rows: &'a [bool],
    /// The level of a value that is there.
    there: i16,
    /// The level of a value that goes on with the innermost list.
    deepest: i16,
    nullable: bool,
    repeated: bool,
}

impl Copy<'_> {
    fn run<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        mut kept: Option<&mut ColumnWriterImpl<'_, T>>,
        mut withheld: Option<&mut ColumnWriterImpl<'_, T>>,
    ) -> Result<()> {
        let mut batch = Part::new();
        let (mut kept_part, mut withheld_part) = (Part::new(), Part::new());
        for rows in self.rows.chunks(BATCH_ROWS) {
            batch.clear();
            let Part { definitions, repetitions, values } = &mut batch;
            let (records, _, levels) = reader
                .read_records(rows.len(), Some(definitions), Some(repetitions), values)
                .map_err(|error| self.source.unreadable(&error))?;
            if records != rows.len() || !self.levels_fit(&batch) {
                return Err(self.torn());
            }
            if rows.iter().all(|kept| *kept) {
                self.write(kept.as_deref_mut(), &batch)?;
                continue;
            }
            kept_part.clear();
            withheld_part.clear();
            self.part(rows, levels, &mut batch, &mut kept_part, &mut withheld_part)?;
            self.write(kept.as_deref_mut(), &kept_part)?;
            self.write(withheld.as_deref_mut(), &withheld_part)?;
        }
        Ok(())
    }

    /// Says whether the levels are such as the column may have; its writer counts on it.
    fn levels_fit<T>(&self, batch: &Part<T>) -> bool {
        let fit = |levels: &[i16], most: i16| levels.iter().all(|level| (0..=most).contains(level));
        fit(&batch.definitions, self.there)
            && fit(&batch.repetitions, self.deepest)
            && batch.repetitions.first().is_none_or(|first| *first == 0)
    }

    /// Moves the values and levels of each row where the row goes.
    fn part<T>(
        &self,
        rows: &[bool],
        levels: usize,
        batch: &mut Part<T>,
        kept: &mut Part<T>,
        withheld: &mut Part<T>,
    ) -> Result<()> {
        let mut values = batch.values.drain(..);
        let mut rows = rows.iter();
        let mut row = None;
        for level in 0..levels {
            let repetition = batch.repetitions.get(level);
            if !self.repeated || repetition == Some(&0) {
                row = rows.next();
            }
            let to = match row {
                Some(true) => &mut *kept,
                Some(false) => &mut *withheld,
                None => return Err(self.torn()),
            };
            let definition = batch.definitions.get(level);
            to.definitions.extend(definition);
            to.repetitions.extend(repetition);
            if !self.nullable || definition == Some(&self.there) {
                let Some(value) = values.next() else { return Err(self.torn()) };
                to.values.push(value);
            }
        }
        match (values.next(), rows.next()) {
            (None, None) => Ok(()),
            _ => Err(self.torn()),
        }
    }

    fn write<T: DataType>(
        &self,
        writer: Option<&mut ColumnWriterImpl<'_, T>>,
        part: &Part<T::T>,
    ) -> Result<()> {
        let Some(writer) = writer else { return Ok(()) };
        if part.values.is_empty() && part.definitions.is_empty() {
            return Ok(());
        }
        let definitions = self.nullable.then_some(part.definitions.as_slice());
        let repetitions = self.repeated.then_some(part.repetitions.as_slice());
        let written = writer.write_batch(&part.values, definitions, repetitions);
        // It goes to memory: what can't be written is not as it should be.
        match written.map_err(|error| self.source.unreadable(&error))? {
            count if count == part.values.len() => Ok(()),
            _ => Err(self.torn()),
        }
    }

    fn torn(&self) -> Error {
        self.source.damaged("a column's rows are not those of its row group")
    }
}
