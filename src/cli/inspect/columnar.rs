//! Parquet: its columns and their types from the footer, its first rows from the first pages.

use super::content::{Content, Look, quoted};
use crate::error::{Error, Result};
use crate::source::Column;
use parquet::basic::ConvertedType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;

/// So many rows are looked at.
const ROWS_MAX: usize = 1000;

/// Looks at a Parquet file.
///
/// # Errors
///
/// [`ErrorKind::Input`](crate::ErrorKind::Input) for a file that is damaged or truncated.
pub(super) fn content(file: File, look: &Look<'_>) -> Result<Content> {
    let bad = |error: ParquetError| {
        Error::input(format!("`{}` is a damaged or truncated Parquet file: {error}", look.name))
            .with_hint("fetch it again")
    };
    let reader = SerializedFileReader::new(file).map_err(bad)?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr_ptr();
    let root = schema.root_schema();
    let mut columns: Vec<Column> =
        root.get_fields().iter().map(|field| Column::named(field.name())).collect();
    let mut content = Content { format: "parquet", ..Content::default() };
    content.rows = u64::try_from(metadata.num_rows()).ok();
    let mut looked_at = 0;
    for row in reader.get_row_iter(None).map_err(bad)?.take(ROWS_MAX) {
        let cells = cells(&row.map_err(bad)?);
        looked_at += 1;
        columns.iter_mut().zip(&cells).for_each(|(column, cell)| column.see(cell.as_bytes()));
        if content.sample.len() < look.arguments.sample {
            content.sample.push(cells);
        }
    }
    content.take_columns(&columns, looked_at);
    for (at, seen) in content.columns.iter_mut().enumerate() {
        let leaf = (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == at);
        seen.kind = leaf.map(|leaf| kind(&schema.column(leaf)));
    }
    if let Some(column) = content.address_column.and_then(|at| content.columns.get(at - 1)) {
        let (file, name) = (quoted(look.file), quoted(&column.name));
        content.commands.push(format!(
            "quell filter {file} --format parquet --email-column {name} -o kept.parquet"
        ));
    }
    Ok(content)
}

/// The type of a column: what it means, else how it is stored.
fn kind(column: &ColumnDescriptor) -> String {
    if let Some(logical) = column.logical_type_ref() {
        // `Timestamp { unit: … }`: the word will do.
        let words = format!("{logical:?}");
        return words.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
    }
    match column.converted_type() {
        ConvertedType::NONE => column.physical_type().to_string(),
        converted => converted.to_string(),
    }
}

fn cells(row: &Row) -> Vec<String> {
    let cell = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        other => other.to_string(),
    };
    row.get_column_iter().map(|(_, field)| cell(field)).collect()
}
