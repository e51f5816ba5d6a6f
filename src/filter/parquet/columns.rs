//! Which leaves of the schema hold addresses, contacts and lists.

use super::super::columns::{Columns, means_address};
use super::super::options::{ColumnChoice, Options};
use crate::error::{Error, Result};
use ::parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

/// How many of the columns a message names, and how much of each name.
const NAMES_SHOWN: usize = 12;
const NAME_CHARS_SHOWN: usize = 40;

/// The leaves of a run, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaves {
    /// At least one.
    pub emails: Vec<usize>,
    pub contact: Option<usize>,
    pub list: Option<usize>,
}

/// A leaf of the schema.
struct Leaf {
    /// The way to it as people give it: without the levels that only make a list.
    path: Vec<String>,
}

impl Leaves {
    /// The leaves asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming the columns, when one that is asked for is
    /// not there, not alone or of a type that holds none, or when not exactly one means an address.
    pub fn of(schema: &SchemaDescriptor, options: &Options) -> Result<Self> {
        let mut leaves = Vec::new();
        for field in schema.root_schema().get_fields() {
            gather(field, &mut Vec::new(), false, &mut leaves);
        }
        if leaves.len() != schema.num_columns() {
            // Not reached: both are the leaves in their order.
            return Err(Error::untrusted("the schema has leaves that were not found"));
        }
        let found = |choice: &ColumnChoice| resolve(schema, &leaves, choice);
        let emails = if options.email_columns.is_empty() {
            vec![address_leaf(schema, &leaves)?]
        } else {
            options.email_columns.iter().map(found).collect::<Result<_>>()?
        };
        let contact = options.contact_column.as_ref().map(found).transpose()?;
        let list = options.list_column.as_ref().map(found).transpose()?;
        for &leaf in emails.iter().chain(&list) {
            of_text(&schema.column(leaf))?;
        }
        if let Some(contact) = contact {
            of_one_id(&schema.column(contact))?;
        }
        Ok(Self { emails, contact, list })
    }

    /// The judge's view of them: which kinds of cells rows have.
    pub fn columns(&self) -> Columns {
        Columns { emails: vec![0], contact: self.contact, list: self.list }
    }
}

/// Appends the leaves below `field`, in the order of the schema's columns. `element` when the field is what
/// a list repeats, so that its name says nothing.
fn gather(field: &Type, path: &mut Vec<String>, element: bool, leaves: &mut Vec<Leaf>) {
    if !element {
        path.push(field.name().to_owned());
    }
    if !field.is_group() {
        leaves.push(Leaf { path: path.clone() });
    } else if let Some(repeated) = list_of(field) {
        // Three levels as the format has them since 2014, or two as older writers have.
        match repeated.is_group().then(|| repeated.get_fields()) {
            Some([one]) if repeated.name() != "array" && !repeated.name().ends_with("_tuple") => {
                gather(one, path, true, leaves);
            }
            _ => gather(repeated, path, true, leaves),
        }
    } else {
        for inner in field.get_fields() {
            gather(inner, path, false, leaves);
        }
    }
    if !element {
        path.pop();
    }
}

/// What a group repeats, if the group is a list.
fn list_of(group: &Type) -> Option<&Type> {
    let info = group.get_basic_info();
    let list = info.logical_type_ref() == Some(&LogicalType::List)
        || info.converted_type() == ConvertedType::LIST;
    match group.get_fields() {
        [one] if list && one.get_basic_info().repetition() == Repetition::REPEATED => Some(one),
        _ => None,
    }
}

fn address_leaf(schema: &SchemaDescriptor, leaves: &[Leaf]) -> Result<usize> {
    let top = leaves.iter().enumerate().filter(|(_, leaf)| leaf.path.len() == 1);
    let found: Vec<usize> =
        top.filter(|(_, leaf)| means_address(&leaf.path[0])).map(|(at, _)| at).collect();
    match found.as_slice() {
        [leaf] => Ok(*leaf),
        [] => {
            let message = format!("no column means an address; the columns are {}", shown(schema));
            Err(Error::usage(message)
                .with_hint("say --email-column NAME; a member of a struct is `contact.email`"))
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|at| format!("`{}`", leaves[*at].path[0])).collect();
            let message =
                format!("{} columns mean an address: {}", several.len(), names.join(", "));
            Err(Error::usage(message)
                .with_hint("say --email-column NAME, once for each to be used"))
        }
    }
}

/// The leaf of a choice: by its path to the letter, else with case ignored, else a column's number.
fn resolve(schema: &SchemaDescriptor, leaves: &[Leaf], choice: &ColumnChoice) -> Result<usize> {
    let wanted = choice.0.trim();
    let pointer = wanted.strip_prefix('/').map(|pointer| pointer.replace('/', "."));
    let wanted = pointer.as_deref().unwrap_or(wanted);
    let by = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let leaves = leaves.iter().enumerate();
        let column = |at: usize| schema.column(at).path().string();
        leaves
            .filter(|(at, leaf)| same(&leaf.path.join(".")) || same(&column(*at)))
            .map(|(at, _)| at)
            .collect()
    };
    let exact = by(&|path| path == wanted);
    let lower = wanted.to_lowercase();
    let found = if exact.is_empty() { by(&|path| path.to_lowercase() == lower) } else { exact };
    match found.as_slice() {
        [leaf] => return Ok(*leaf),
        [] => {}
        several => {
            let message = format!("{} columns are named `{}`", several.len(), choice.0);
            return Err(Error::usage(message).with_hint("give one by its number, from 1"));
        }
    }
    let fields = schema.root_schema().get_fields();
    let number = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let of_field: Vec<usize> = match number {
        Some(number) if number < fields.len() => {
            let columns = 0..schema.num_columns();
            columns.filter(|leaf| schema.get_column_root_idx(*leaf) == number).collect()
        }
        _ => Vec::new(),
    };
    match of_field.as_slice() {
        [leaf] => Ok(*leaf),
        [] => {
            let message = format!("no column `{}`; the columns are {}", choice.0, shown(schema));
            Err(Error::usage(message)
                .with_hint("a member of a struct is given with a dot: `contact.email`"))
        }
        _ => {
            let message = format!("column {} is a struct, not a text", choice.0);
            Err(Error::usage(message)
                .with_hint("a member of a struct is given with a dot: `contact.email`"))
        }
    }
}

/// Refuses a column that holds no texts, nor lists of them.
fn of_text(column: &ColumnDescriptor) -> Result<()> {
    let text =
        matches!(column.logical_type_ref(), None | Some(LogicalType::String | LogicalType::Enum))
            && matches!(
                column.converted_type(),
                ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM
            );
    if column.physical_type() != Physical::BYTE_ARRAY || !text {
        return Err(wrong_type(column, "texts, nor lists of texts"));
    }
    if column.max_rep_level() > 1 {
        return Err(wrong_type(column, "texts, nor lists of texts, but lists of lists"));
    }
    Ok(())
}

/// Refuses a column that does not hold one text or integer a row.
fn of_one_id(column: &ColumnDescriptor) -> Result<()> {
    if column.max_rep_level() > 0 {
        return Err(wrong_type(column, "one contact a row, but lists"));
    }
    let integer = matches!(column.physical_type(), Physical::INT32 | Physical::INT64)
        && matches!(column.logical_type_ref(), None | Some(LogicalType::Integer { .. }))
        && !matches!(
            column.converted_type(),
            ConvertedType::DECIMAL
                | ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        );
    if integer {
        Ok(())
    } else {
        of_text(column).map_err(|_| wrong_type(column, "texts or integers"))
    }
}

fn wrong_type(column: &ColumnDescriptor, what: &str) -> Error {
    let (path, physical) = (column.path().string(), column.physical_type());
    Error::usage(format!("column `{path}` ({physical}) does not hold {what}"))
        .with_hint("name the column with --email-column, --contact-column or --list-column")
}

/// The columns' names, quoted, for a message.
fn shown(schema: &SchemaDescriptor) -> String {
    let fields = schema.root_schema().get_fields();
    let short = |name: &str| {
        let short: String = name.chars().take(NAME_CHARS_SHOWN).collect();
        format!("`{}`", short.escape_debug())
    };
    let names: Vec<String> =
        fields.iter().take(NAMES_SHOWN).map(|field| short(field.name())).collect();
    let more = match fields.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.join(", ") + &more
}
