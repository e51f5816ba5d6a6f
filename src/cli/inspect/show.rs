//! What was seen, for a person.

use super::Inspected;
use super::content::{ColumnSeen, Content};
use crate::cli::terminal::print;
use crate::error::Result;
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write as _;

/// Longer cells are cut.
const CELL_CHARS_MAX: usize = 32;

/// Columns beyond are counted: nobody reads a hundred of them.
const COLUMNS_MAX: usize = 60;

/// Prints what was seen.
///
/// # Errors
///
/// When standard output is gone.
pub(super) fn print_text(inspected: &Inspected) -> Result<()> {
    let text = text(inspected);
    print(|out| out.write_all(text.as_bytes()))
}

fn text(inspected: &Inspected) -> String {
    let mut out = format!("`{}`", plain(&inspected.path));
    if let Some(bytes) = inspected.bytes {
        let _ = write!(out, ", {bytes} bytes");
    }
    if inspected.compression != "none" {
        let _ = write!(out, ", {}", inspected.compression);
    }
    out.push('\n');
    if inspected.contents.is_empty() {
        out.push_str("  no files in it\n");
    }
    for content in &inspected.contents {
        if let Some(member) = &content.member {
            let _ = writeln!(out, "\n`{}` in it", plain(member));
        }
        describe(&mut out, content);
    }
    out
}

fn describe(out: &mut String, content: &Content) {
    for (what, value) in facts(content) {
        let _ = writeln!(out, "  {what:<12}{value}");
    }
    if !content.columns.is_empty() {
        out.push('\n');
        for line in columns(content).lines() {
            let _ = writeln!(out, "  {}", line.trim_end());
        }
    }
    for candidate in &content.imports {
        let _ = writeln!(
            out,
            "\n  seems to be  {} ({}): {}",
            candidate.format, candidate.kind, candidate.why
        );
    }
    if let [first, others @ ..] = content.commands.as_slice() {
        let _ = writeln!(out, "\n  next: {}", plain(first));
        for other in others {
            let _ = writeln!(out, "    or: {}", plain(other));
        }
    }
}

fn facts(content: &Content) -> Vec<(&'static str, String)> {
    let mut facts = vec![("format", content.note.unwrap_or(content.format).to_owned())];
    if content.encoding.is_some() {
        facts.push(("encoding", content.encoding_in_words.clone()));
    }
    if let Some(line_ends) = content.line_ends {
        facts.push(("line ends", line_ends.to_owned()));
    }
    if let Some(delimiter) = content.delimiter {
        let name = match delimiter {
            '\t' => "tab".to_owned(),
            other => format!("`{other}`"),
        };
        let by = if content.separator_line { ", as the line `sep=` says" } else { "" };
        facts.push(("delimiter", format!("{name}{by}")));
    }
    if let Some(header) = content.header {
        facts.push(("header", if header { "yes" } else { "no" }.to_owned()));
    }
    if let Some(rows) = content.rows {
        facts.push(("rows", rows.to_string()));
    }
    facts
}

fn columns(content: &Content) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["column", "name", "holds", "values"]);
    for (at, column) in content.columns.iter().enumerate().take(COLUMNS_MAX) {
        let values: Vec<String> = content
            .sample
            .iter()
            .map(|row| row.get(at).map_or_else(String::new, |cell| cut(&plain(cell))))
            .collect();
        table.add_row([
            (at + 1).to_string(),
            cut(&plain(&column.name)),
            holds(column, content.rows_looked_at),
            values.join(" | "),
        ]);
    }
    if let Some(more) = content.columns.len().checked_sub(COLUMNS_MAX).filter(|more| *more > 0) {
        table.add_row(["…".to_owned(), format!("and {more} more")]);
    }
    table
}

fn holds(column: &ColumnSeen, rows: usize) -> String {
    if let Some(algorithm) = column.digest {
        return format!("{algorithm} digests");
    }
    if column.address_share > 0.0 {
        return format!("addresses in {:.1} % of {rows} rows", column.address_share * 100.0);
    }
    column.kind.clone().unwrap_or_default()
}

/// Without control characters, which a terminal would obey.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_debug());
        } else {
            out.push(c);
        }
    }
    out
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CELL_CHARS_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(CELL_CHARS_MAX - 1).collect();
    short.push('…');
    short
}
