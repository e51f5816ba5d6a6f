//! What came out of a batch against what must.

use crate::batch::{Batch, Layout, first};
use crate::model::{LISTS, REASONS, Verdict};
use quell::filter::Tally;
use quell::record::Reason;

/// Words for the first difference.
pub type Difference = String;

/// Compares two values.
///
/// # Errors
///
/// When they differ.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, want: T, got: T) -> Result<(), Difference> {
    if want == got { Ok(()) } else { Err(format!("{what}: expected {want:?}, got {got:?}")) }
}

/// Compares the kept bytes.
///
/// # Errors
///
/// The first line that differs.
pub fn kept(want: &[u8], got: &[u8]) -> Result<(), Difference> {
    if want == got {
        return Ok(());
    }
    let place = want.iter().zip(got).take_while(|(want, got)| want == got).count();
    let line = |text: &[u8]| {
        let start = text[..place.min(text.len())].iter().rposition(|byte| *byte == b'\n');
        let rest = &text[start.map_or(0, |start| start + 1)..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end.min(300)]).into_owned()
    };
    Err(format!("kept, at byte {place}: expected {:?}, got {:?}", line(want), line(got)))
}

/// Compares the counts.
///
/// # Errors
///
/// The first that differs.
pub fn counts(want: &Batch, got: &Tally) -> Result<(), Difference> {
    let withheld = want.withheld.len() as u64;
    same("rows read", want.read, got.read)?;
    same("rows withheld", withheld, got.withheld)?;
    same("rows kept", want.read - withheld, got.kept)?;
    for (reason, count) in Reason::all().zip(want.by_reason) {
        same(reason.as_str(), count, got.withheld_for(reason))?;
    }
    let words: Vec<_> = Reason::all().map(Reason::as_str).collect();
    same("the reasons in their order", &REASONS[..], &words[..])
}

/// Compares the withheld rows of delimited text: each as it stands in the input, with two fields more.
///
/// # Errors
///
/// The first row that differs.
pub fn withheld(want: &Batch, layout: &Layout, got: &[u8]) -> Result<(), Difference> {
    let delimiter = char::from(layout.delimiter);
    let header = &want.input[..want.rows_from];
    let bare = header.len() - layout.line_end.len();
    let mut expected = header[..bare].to_vec();
    let more = format!("{delimiter}quell_reason{delimiter}quell_reasons");
    expected.extend_from_slice(more.as_bytes());
    expected.extend_from_slice(layout.line_end);
    let Some(mut rest) = got.strip_prefix(&expected[..]) else {
        let start = &got[..got.len().min(expected.len())];
        let [expected, start] = [&expected[..], start].map(String::from_utf8_lossy);
        return Err(format!("the suppressed file begins with {start:?}, not with {expected:?}"));
    };
    for row in &want.withheld {
        let content = &want.input[row.content.clone()];
        let line_end = &want.input[row.line_end.clone()];
        let after = rest.strip_prefix(content).and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(end);
            let fields = line.strip_suffix(line_end)?.strip_prefix(&[layout.delimiter])?;
            let (reason, reasons) = std::str::from_utf8(fields).ok()?.split_once(delimiter)?;
            says(reason, reasons, &row.verdict).then_some(after)
        });
        rest = after.ok_or_else(|| {
            let got = String::from_utf8_lossy(&rest[..rest.len().min(content.len() + 120)]);
            let content = String::from_utf8_lossy(content);
            format!("suppressed: expected {content:?} for {}, got {got:?}", words(&row.verdict))
        })?;
    }
    same("bytes behind the last suppressed row", 0, rest.len())
}

/// Says whether the two fields tell a verdict.
fn says(reason: &str, reasons: &str, verdict: &Verdict) -> bool {
    let inner = reasons.strip_prefix('"').and_then(|reasons| reasons.strip_suffix('"'));
    let reasons = inner.map_or_else(|| reasons.to_owned(), |inner| inner.replace("\"\"", "\""));
    let (mut found, mut lists, mut last) = (0, 0, 0);
    for word in reasons.split(';') {
        let (name, list) = word.split_once(':').unwrap_or((word, ""));
        let Some(place) = REASONS.iter().position(|reason| *reason == name) else { return false };
        if place < last || (name == "opted_out") == list.is_empty() {
            return false;
        }
        last = place;
        found |= 1 << place;
        if !list.is_empty() {
            let Some(list) = LISTS.iter().position(|known| *known == list) else { return false };
            lists |= 1 << list;
        }
    }
    reason == REASONS[first(verdict.reasons)]
        && found & !verdict.silent == verdict.reasons & !verdict.silent
        && lists == verdict.lists
}

fn words(verdict: &Verdict) -> String {
    let reasons = REASONS.iter().enumerate().filter(|(at, _)| verdict.reasons & 1 << at != 0);
    let lists = LISTS.iter().enumerate().filter(|(at, _)| verdict.lists & 1 << at != 0);
    let reasons: Vec<_> = reasons.map(|(_, word)| *word).collect();
    let lists: Vec<_> = lists.map(|(_, word)| *word).collect();
    format!("{reasons:?}, opted out of {lists:?}")
}
