//! The file: bytes by place, and what its footer says, checked.

use super::pages::Plausible;
use super::{damaged, unreadable};
use crate::error::{Error, Result};
use ::parquet::basic::LogicalType;
use ::parquet::column::reader::{ColumnReader, get_column_reader};
use ::parquet::errors::{ParquetError, Result as Decoded};
use ::parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use ::parquet::file::properties::ReaderProperties;
use ::parquet::file::reader::{ChunkReader, Length, RowGroupReader};
use ::parquet::file::serialized_reader::SerializedRowGroupReader;
use ::parquet::schema::types::{SchemaDescriptor, Type};
use bytes::Bytes;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How much is read at once where the decoder does not say how much it wants: the headers of pages.
const READ_AHEAD_BYTES: usize = 4 << 10;

/// An open Parquet file.
pub(super) struct Source {
    bytes: Arc<FileBytes>,
    metadata: ParquetMetaData,
    properties: Arc<ReaderProperties>,
    name: String,
}

impl Source {
    /// Reads the footer of `file` and refuses what can't be, so that the decoder is not asked for it.
    ///
    /// # Errors
    ///
    /// When the file is no Parquet file, is cut off, encrypted, in several parts, or of a version with
    /// types that are not known here.
    pub fn open(file: File, name: &str) -> Result<Self> {
        let length = file.metadata().map_err(|error| Error::reading(Path::new(name), error))?.len();
        let bytes = FileBytes { file: Arc::new(Mutex::new(file)), length };
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&bytes)
            .map_err(|error| unreadable(name, &error))?;
        let source = Self {
            bytes: Arc::new(bytes),
            metadata,
            properties: Arc::new(ReaderProperties::builder().build()),
            name: name.to_owned(),
        };
        source.check()?;
        Ok(source)
    }

    /// The input's name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's schema.
    pub fn schema(&self) -> &SchemaDescriptor {
        self.metadata.file_metadata().schema_descr()
    }

    /// All that the footer says.
    pub fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// How many rows a group has.
    pub fn rows(&self, group: usize) -> usize {
        usize::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0)
    }

    /// Reads a column of a row group from its start.
    ///
    /// # Errors
    ///
    /// When its codec is not known here.
    pub fn column(&self, group: usize, column: usize) -> Result<ColumnReader> {
        let group = self.metadata.row_group(group);
        let description = self.schema().column(column);
        let bytes = Arc::clone(&self.bytes);
        let properties = Arc::clone(&self.properties);
        SerializedRowGroupReader::new(bytes, group, None, properties)
            .and_then(|reader| reader.get_column_page_reader(column))
            .map(|pages| get_column_reader(description, Box::new(Plausible(pages))))
            .map_err(|error| self.unreadable(&error))
    }

    /// The file is not what it says it is.
    pub fn damaged(&self, cause: &str) -> Error {
        damaged(&self.name, cause)
    }

    /// The decoder could not go on.
    pub fn unreadable(&self, error: &ParquetError) -> Error {
        unreadable(&self.name, error)
    }

    fn check(&self) -> Result<()> {
        self.check_types(self.schema().root_schema())?;
        for (number, group) in self.metadata.row_groups().iter().enumerate() {
            if group.num_rows() < 0 {
                return Err(self.damaged(&format!("row group {number} has less than no rows")));
            }
            if group.num_columns() != self.schema().num_columns() {
                return Err(self.damaged(&format!("row group {number} has other columns")));
            }
            for column in group.columns() {
                self.check_place(group, number, column)?;
            }
        }
        Ok(())
    }

    fn check_place(
        &self,
        group: &RowGroupMetaData,
        number: usize,
        column: &ColumnChunkMetaData,
    ) -> Result<()> {
        if column.file_path().is_some_and(|path| !path.is_empty()) {
            return Err(self.damaged("its columns are in other files"));
        }
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let place = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        let end = place.and_then(|(start, length)| start.checked_add(length));
        let fewest = if column.column_descr().max_rep_level() == 0 { group.num_rows() } else { 0 };
        if end.is_none_or(|end| end > self.bytes.length) || column.num_values() < fewest {
            let path = column.column_path();
            return Err(self.damaged(&format!("column {path} of row group {number} is not there")));
        }
        Ok(())
    }

    /// A type that only a later version knows would be written without its meaning.
    fn check_types(&self, root: &Type) -> Result<()> {
        let mut waiting = vec![root];
        while let Some(next) = waiting.pop() {
            if let Some(LogicalType::_Unknown { field_id }) =
                next.get_basic_info().logical_type_ref()
            {
                let name = next.name();
                return Err(self.damaged(&format!(
                    "column `{name}` has the logical type {field_id}, which is not known here"
                )));
            }
            if next.is_group() {
                waiting.extend(next.get_fields().iter().map(AsRef::as_ref));
            }
        }
        Ok(())
    }
}

/// The bytes of a file, for several threads: the clones of a `File` would share one position.
struct FileBytes {
    file: Arc<Mutex<File>>,
    length: u64,
}

/// A place in the file that moves as it is read from.
pub(super) struct Place {
    file: Arc<Mutex<File>>,
    at: u64,
}

impl Read for Place {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let count = file.read(into)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl FileBytes {
    fn place(&self, at: u64) -> Place {
        Place { file: Arc::clone(&self.file), at }
    }
}

impl Length for FileBytes {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FileBytes {
    type T = BufReader<Place>;

    fn get_read(&self, start: u64) -> Decoded<Self::T> {
        Ok(BufReader::with_capacity(READ_AHEAD_BYTES, self.place(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Decoded<Bytes> {
        // Before room is made for it: the length may be damaged.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are not there")));
        }
        let mut bytes = vec![0; length];
        self.place(start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
