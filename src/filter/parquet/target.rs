//! A file of the results: its schema, its footer, and how its columns are written.

use super::copy::{Encoded, Wanted};
use super::source::Source;
use super::unwritable;
use crate::error::{Error, Result};
use ::parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use ::parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition, Type as Physical};
use ::parquet::file::metadata::{ColumnChunkMetaData, KeyValue};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{ColumnPath, SchemaDescriptor, Type, TypePtr};
use arrow_schema::{DataType, Field, Schema};
use std::io::Write;
use std::sync::Arc;

/// The columns that withheld rows get.
pub(super) const REASON_COLUMNS: [&str; 2] = ["quell_reason", "quell_reasons"];

/// A result on its way.
pub(super) struct Target<'a, W: Write + Send> {
    writer: SerializedFileWriter<&'a mut W>,
    what: &'static str,
}

impl<'a, W: Write + Send> Target<'a, W> {
    /// A file of the schema and the metadata of `source`.
    ///
    /// # Errors
    ///
    /// When `out` can't be written to.
    pub fn kept(out: &'a mut W, source: &Source) -> Result<Self> {
        let metadata = source.metadata().file_metadata().key_value_metadata().cloned();
        Self::new(out, "output", source, source.schema().root_schema_ptr(), metadata)
    }

    /// The same with two columns more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the source has columns of these names, and when
    /// `out` can't be written to.
    pub fn withheld(out: &'a mut W, source: &Source) -> Result<Self> {
        let schema = with_reasons(source)?;
        Self::new(out, "suppressed file", source, schema, metadata_with_reasons(source))
    }

    fn new(
        out: &'a mut W,
        what: &'static str,
        source: &Source,
        schema: TypePtr,
        metadata: Option<Vec<KeyValue>>,
    ) -> Result<Self> {
        // Rows in the source's order stay in it.
        let mut orders = source.metadata().row_groups().iter().map(|group| group.sorting_columns());
        let order = orders.next().flatten();
        let order = order.filter(|order| orders.all(|other| other == Some(*order)));
        let properties = WriterProperties::builder()
            .set_key_value_metadata(metadata)
            .set_sorting_columns(order.cloned())
            .build();
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties))
            .map_err(|error| unwritable(what, error))?;
        Ok(Self { writer, what })
    }

    /// Adds a row group of these columns.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn add(&mut self, columns: Vec<Encoded>) -> Result<()> {
        let what = self.what;
        let failed = |error| unwritable(what, error);
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for Encoded { bytes, close } in columns {
            group.append_column(&bytes, close).map_err(failed)?;
        }
        group.close().map(|_| ()).map_err(failed)
    }

    /// Writes the footer.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn finish(self) -> Result<()> {
        let what = self.what;
        let failed = |error| unwritable(what, error);
        let out = self.writer.into_inner().map_err(failed)?;
        out.flush().map_err(|error| super::write_error(what, error))
    }
}

/// What the threads need to know of a target to make its columns.
pub(super) struct Shape(SchemaDescriptor);

impl Shape {
    /// The kept rows' file.
    pub fn kept(source: &Source) -> Self {
        Self(SchemaDescriptor::new(source.schema().root_schema_ptr()))
    }

    /// The withheld rows' file.
    ///
    /// # Errors
    ///
    /// As [`Target::withheld`].
    pub fn withheld(source: &Source) -> Result<Self> {
        Ok(Self(SchemaDescriptor::new(with_reasons(source)?)))
    }

    /// A column to be made.
    pub fn column<'p>(&self, leaf: usize, properties: &'p WriterPropertiesPtr) -> Wanted<'p> {
        Wanted { description: self.0.column(leaf), properties }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.0.num_columns()
    }
}

/// How the columns of a row group are to be written: as they were.
pub(super) fn properties(source: &Source, group: usize) -> WriterPropertiesPtr {
    let mut properties = WriterProperties::builder();
    let columns = source.metadata().row_group(group).columns();
    for column in columns {
        let path = column.column_path().clone();
        let statistics = match column {
            column if column.column_index_offset().is_some() => EnabledStatistics::Page,
            column if column.statistics().is_some() => EnabledStatistics::Chunk,
            _ => EnabledStatistics::None,
        };
        properties = properties
            .set_column_compression(path.clone(), column.compression())
            .set_column_dictionary_enabled(path.clone(), has_dictionary(column))
            .set_column_statistics_enabled(path.clone(), statistics);
        if let Some(encoding) = encoding(column) {
            properties = properties.set_column_encoding(path, encoding);
        }
    }
    if let Some(first) = columns.first() {
        for name in REASON_COLUMNS {
            let path = ColumnPath::new(vec![name.to_owned()]);
            properties = properties.set_column_compression(path, first.compression());
        }
    }
    Arc::new(properties.build())
}

fn has_dictionary(column: &ColumnChunkMetaData) -> bool {
    column.dictionary_page_offset().is_some()
        || column.encodings().any(|encoding| {
            matches!(encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY)
        })
}

/// The encoding of a column's values besides its dictionary, where it is another than the plain one.
fn encoding(column: &ColumnChunkMetaData) -> Option<Encoding> {
    let fits = |encoding: &Encoding| match column.column_type() {
        Physical::INT32 | Physical::INT64 => {
            matches!(encoding, Encoding::DELTA_BINARY_PACKED | Encoding::BYTE_STREAM_SPLIT)
        }
        Physical::FLOAT | Physical::DOUBLE => *encoding == Encoding::BYTE_STREAM_SPLIT,
        Physical::BYTE_ARRAY => {
            matches!(encoding, Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY)
        }
        Physical::FIXED_LEN_BYTE_ARRAY => {
            matches!(encoding, Encoding::DELTA_BYTE_ARRAY | Encoding::BYTE_STREAM_SPLIT)
        }
        Physical::BOOLEAN | Physical::INT96 => false,
    };
    column.encodings().find(fits)
}

/// The schema of the withheld rows.
fn with_reasons(source: &Source) -> Result<TypePtr> {
    let root = source.schema().root_schema();
    let mut fields = root.get_fields().to_vec();
    if let Some(field) = fields.iter().find(|field| REASON_COLUMNS.contains(&field.name())) {
        let message = format!("`{}` has a column `{}` already", source.name(), field.name());
        return Err(Error::usage(message)
            .with_hint("filter the file it was made from, or leave out --suppressed"));
    }
    let made = REASON_COLUMNS.into_iter().try_for_each(|name| {
        let field = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(ConvertedType::UTF8)
            .with_logical_type(Some(LogicalType::String))
            .build()?;
        fields.push(Arc::new(field));
        Ok(())
    });
    made.and_then(|()| Type::group_type_builder(root.name()).with_fields(fields).build())
        .map(Arc::new)
        .map_err(|error| source.unreadable(&error))
}

/// The metadata of the withheld rows: the Arrow schema in it, which readers hold to the columns, has the two
/// columns as well, or is left out.
fn metadata_with_reasons(source: &Source) -> Option<Vec<KeyValue>> {
    let file = source.metadata().file_metadata();
    let mut metadata = file.key_value_metadata()?.clone();
    let arrow = |entry: &KeyValue| entry.key == ARROW_SCHEMA_META_KEY;
    if !metadata.iter().any(arrow) {
        return Some(metadata);
    }
    metadata.retain(|entry| !arrow(entry));
    if let Ok(schema) = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()) {
        let fields = schema.fields().iter().cloned();
        let more = REASON_COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
        let fields: Vec<_> = fields.chain(more).collect();
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        let encoded = encode_arrow_schema(&schema);
        metadata.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encoded));
    }
    Some(metadata)
}
