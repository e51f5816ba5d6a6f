//! Batches of recipients, and what must come out of them.

use crate::dice::Dice;
use crate::files::{hot, write_cell};
use crate::model::{Cell, Kept, LISTS, Question, REASONS, Reasons, Recipient, Verdict, World};
use crate::people::{INVALID, People};
use std::ops::Range;

/// How a batch is written.
#[derive(Debug, Clone)]
pub struct Layout {
    /// JSON objects, one a line, instead of delimited text.
    pub json: bool,
    /// The delimiter of delimited text.
    pub delimiter: u8,
    /// What ends a line.
    pub line_end: &'static [u8],
    /// A byte-order mark at the start.
    pub mark: bool,
    /// The columns in their order.
    pub columns: Vec<Column>,
}

/// A column of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The address columns, from 0.
    Email(usize),
    /// Contact ids.
    Contact,
    /// The lists of a row.
    Lists,
    /// Something else.
    Note,
}

impl Column {
    /// Its header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email(0) => "email",
            Self::Email(_) => "second",
            Self::Contact => "contact",
            Self::Lists => "lists",
            Self::Note => "note",
        }
    }
}

impl Layout {
    /// Some way of writing a batch.
    #[must_use]
    pub fn new(dice: &mut Dice<'_>) -> Self {
        let mut columns = vec![Column::Email(0)];
        let more = [
            (Column::Email(1), 15),
            (Column::Contact, 50),
            (Column::Lists, 50),
            (Column::Note, 60),
        ];
        for (column, percent) in more {
            if dice.chance(percent) {
                columns.insert(dice.below(columns.len() + 1), column);
            }
        }
        let json = dice.chance(12);
        Self {
            json,
            delimiter: if json { b',' } else { [b',', b',', b',', b';', b'\t'][dice.below(5)] },
            line_end: if dice.chance(30) { b"\r\n" } else { b"\n" },
            mark: dice.chance(10),
            columns,
        }
    }

    /// Whether the batch has a column.
    #[must_use]
    pub fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }
}

/// A row that must be withheld.
#[derive(Debug, Clone)]
pub struct Withheld {
    /// Its bytes in the input, without its line end.
    pub content: Range<usize>,
    /// Its line end.
    pub line_end: Range<usize>,
    /// Why.
    pub verdict: Verdict,
}

/// A batch, and what must come of it.
#[derive(Debug)]
pub struct Batch {
    /// The recipients.
    pub input: Vec<u8>,
    /// Where the first row begins.
    pub rows_from: usize,
    /// What is kept.
    pub kept: Vec<u8>,
    /// What is not.
    pub withheld: Vec<Withheld>,
    /// How many rows there are.
    pub read: u64,
    /// How many are withheld for each first reason.
    pub by_reason: [u64; REASONS.len()],
}

/// The first of some reasons.
#[must_use]
pub fn first(reasons: Reasons) -> usize {
    reasons.trailing_zeros() as usize
}

/// Who is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'w> {
    /// Everybody.
    pub people: &'w People,
    /// What is recorded.
    pub world: &'w World,
    /// How many contacts there are.
    pub contacts: usize,
    /// What is asked for all rows.
    pub ask: Question,
}

impl Batch {
    /// A batch of about `rows` rows.
    #[must_use]
    pub fn new(dice: &mut Dice<'_>, asked: &Asked<'_>, layout: &Layout, rows: usize) -> Self {
        let mut batch = Self {
            input: Vec::with_capacity(rows * 64),
            rows_from: 0,
            kept: Vec::with_capacity(rows * 48),
            withheld: Vec::new(),
            read: 0,
            by_reason: [0; REASONS.len()],
        };
        batch.begin(layout);
        let mut kept = asked.ask.dedupe.then(|| Kept::new(asked.people));
        let mut from = 0;
        for number in 0..rows {
            if !layout.json && dice.below(400) == 0 {
                batch.input.extend_from_slice(layout.line_end);
            }
            let between = batch.input.len();
            let recipient = recipient(dice, asked, layout);
            let recipient = write_row(dice, asked, layout, recipient, &mut batch.input);
            let content = between..batch.input.len();
            // A file may end without a line end.
            let is_last = number + 1 == rows && dice.chance(20);
            if !is_last {
                batch.input.extend_from_slice(layout.line_end);
            }
            if content.is_empty() {
                // A blank line: no row.
                continue;
            }
            batch.read += 1;
            let mut verdict = asked.world.judge(asked.people, &recipient, &asked.ask);
            if let Some(kept) = &mut kept {
                kept.see(asked.people, &recipient, asked.ask.columns, &mut verdict);
            }
            if verdict.reasons != 0 {
                batch.kept.extend_from_slice(&batch.input[from..content.start]);
                from = batch.input.len();
                batch.by_reason[first(verdict.reasons)] += 1;
                let line_end = content.end..batch.input.len();
                batch.withheld.push(Withheld { content, line_end, verdict });
            }
        }
        batch.kept.extend_from_slice(&batch.input[from..]);
        batch
    }

    fn begin(&mut self, layout: &Layout) {
        if layout.mark {
            self.input.extend_from_slice(b"\xef\xbb\xbf");
        }
        if !layout.json {
            let names: Vec<&str> = layout.columns.iter().map(|column| column.name()).collect();
            let header = names.join(&char::from(layout.delimiter).to_string());
            self.input.extend_from_slice(header.as_bytes());
            self.input.extend_from_slice(layout.line_end);
        }
        self.rows_from = self.input.len();
    }
}

fn recipient(dice: &mut Dice<'_>, asked: &Asked<'_>, layout: &Layout) -> Recipient {
    let mut cells = [Cell::Missing; 2];
    for cell in cells.iter_mut().take(asked.ask.columns) {
        *cell = cell_of(dice, asked.people);
    }
    let contact = layout.has(Column::Contact).then(|| match dice.below(10) {
        0 => None,
        // Nobody's.
        1 => Some((asked.contacts + dice.below(50)) as u32),
        2..=5 => Some(dice.below(hot(asked.contacts)) as u32),
        _ => Some(dice.below(asked.contacts) as u32),
    });
    let lists = if layout.has(Column::Lists) && dice.chance(60) {
        1 << dice.below(LISTS.len())
            | if dice.chance(30) { 1 << dice.below(LISTS.len()) } else { 0 }
    } else {
        0
    };
    Recipient { cells, contact: contact.flatten(), lists }
}

fn cell_of(dice: &mut Dice<'_>, people: &People) -> Cell {
    let a_spelling = |dice: &mut Dice<'_>| {
        if dice.chance(40) {
            let key = dice.below(hot(people.keys.len())) as u32;
            people.spelling_of(dice, key)
        } else {
            dice.below(people.spellings.len()) as u32
        }
    };
    match dice.below(200) {
        0..=3 => Cell::Invalid(people.invalid[dice.below(INVALID.len())]),
        4..=6 => {
            let (one, other) = (a_spelling(dice), a_spelling(dice));
            let bare = |at: u32| is_bare(people, at);
            if bare(one) && bare(other) { Cell::Two(one, other) } else { Cell::Address(one) }
        }
        _ => Cell::Address(a_spelling(dice)),
    }
}

/// Whether a spelling is an address and nothing else, so that it can stand beside another in a cell.
fn is_bare(people: &People, spelling: u32) -> bool {
    let spelling = &people.spellings[spelling as usize];
    spelling.forms[1] == spelling.forms[2]
        && spelling.text.bytes().all(|byte| byte > b' ' && !b"\",;<>".contains(&byte))
}

/// Writes a row and gives what it says, which is less when it ends before its last column.
fn write_row(
    dice: &mut Dice<'_>,
    asked: &Asked<'_>,
    layout: &Layout,
    mut recipient: Recipient,
    out: &mut Vec<u8>,
) -> Recipient {
    let mut columns = &layout.columns[..];
    if !layout.json && dice.below(300) == 0 {
        columns = &columns[..1 + dice.below(columns.len())];
    }
    let mut text = String::new();
    if layout.json {
        out.push(b'{');
    }
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            out.push(layout.delimiter);
        }
        text.clear();
        write_text(dice, asked, *column, &recipient, &mut text);
        if layout.json {
            let value = serde_json::Value::from(text.as_str());
            out.extend_from_slice(format!("\"{}\":{value}", column.name()).as_bytes());
        } else {
            write_cell(dice, &text, layout.delimiter, out);
        }
    }
    if layout.json {
        out.push(b'}');
    }
    for column in &layout.columns[columns.len()..] {
        match column {
            Column::Email(number) => recipient.cells[*number] = Cell::Missing,
            Column::Contact => recipient.contact = None,
            Column::Lists => recipient.lists = 0,
            Column::Note => {}
        }
    }
    recipient
}

fn write_text(
    dice: &mut Dice<'_>,
    asked: &Asked<'_>,
    column: Column,
    recipient: &Recipient,
    text: &mut String,
) {
    let people = asked.people;
    match column {
        Column::Email(number) => match recipient.cells[number] {
            Cell::Address(spelling) => text.push_str(&people.spellings[spelling as usize].text),
            Cell::Two(one, other) => {
                text.push_str(&people.spellings[one as usize].text);
                text.push_str(["; ", ",", " "][dice.below(3)]);
                text.push_str(&people.spellings[other as usize].text);
            }
            Cell::Invalid(form) => text.push_str(&people.forms[form as usize]),
            Cell::Missing => {}
        },
        Column::Contact => {
            if let Some(contact) = recipient.contact {
                text.push_str(if dice.chance(5) { " C" } else { "C" });
                text.push_str(&contact.to_string());
            }
        }
        Column::Lists => {
            for (list, name) in LISTS.iter().enumerate() {
                if recipient.lists & 1 << list != 0 {
                    if !text.is_empty() {
                        text.push_str(if dice.chance(20) { " ; " } else { ";" });
                    }
                    text.push_str(name);
                }
            }
        }
        Column::Note => {
            const NOTES: [&str; 6] =
                ["", "x", "17.50", "two\nlines, \"quoted\"", "a;b\tc", "5\" pipe"];
            text.push_str(NOTES[dice.below(NOTES.len())]);
        }
    }
}
