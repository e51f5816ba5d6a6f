//! A form with a file in it → a nameless file on disk.

use super::said::Wanted;
use crate::error::Error;
use crate::service::{Problem, State};
use axum::body::Bytes;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The longest text of a field that is no file, bytes.
const TEXT_BYTES: usize = 4 << 10;
/// The longest name of a file that is kept, letters.
const NAME_LETTERS: usize = 200;
/// Parts of the file in memory at most, on their way to the disk.
const PARTS: usize = 8;

/// A file that was received whole.
pub(super) struct Received {
    /// Its name, without the directories it had at home.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The file; it has no name on disk.
    pub file: File,
    /// What was said of it.
    pub wanted: Wanted,
}

/// Reads the form. Memory: a few parts of the file.
pub(super) async fn receive(state: &State, mut form: Multipart) -> Result<Received, Problem> {
    let (mut wanted, mut received) = (Wanted::default(), None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            wanted.take(&name, &text(field).await?)?;
        } else if received.is_none() {
            let name = plain(field.file_name().unwrap_or_default());
            let (file, bytes) = store(state, field).await?;
            received = Some((name, bytes, file));
        } else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "two files came at once")
                .with_hint("send them one after the other"));
        }
    }
    match received {
        Some((name, bytes, file)) if bytes > 0 => Ok(Received { name, bytes, file, wanted }),
        Some((name, ..)) if name != NAMELESS => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "the file is empty"))
        }
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, "no file was chosen")
            .with_hint("choose one, and send the form again")),
    }
}

/// What a file is called that came without a name.
const NAMELESS: &str = "a file without a name";

async fn text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(part) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&part);
        if bytes.len() > TEXT_BYTES {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "a field of the form is too long"));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "a field of the form is no text"))
}

/// Writes the file beside the store, which has room for what is imported anyway.
async fn store(state: &State, mut field: Field<'_>) -> Result<(File, u64), Problem> {
    let limit = state.settings().import_bytes;
    let (mut parts, writing) = writer(state)?;
    let mut bytes = 0;
    while let Some(part) = field.chunk().await.map_err(broken)? {
        bytes += part.len() as u64;
        if bytes > limit {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the file has more than {limit} bytes, the most that is taken here"),
            )
            .with_hint("import it by `quell import`, or raise --import-bytes"));
        }
        if parts.send(part).await.is_err() {
            // The writer ended: it says why.
            parts = mpsc::channel(1).0;
            break;
        }
    }
    drop(parts);
    let gone = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the file could not be written");
    let file = writing.await.map_err(|_| gone)??;
    Ok((file, bytes))
}

type Writing = JoinHandle<crate::Result<File>>;

fn writer(state: &State) -> crate::Result<(mpsc::Sender<Bytes>, Writing)> {
    let failed = |error| Error::writing(Path::new("the file that was sent"), error);
    let mut file = tempfile::tempfile_in(&state.settings().store).map_err(failed)?;
    let (sender, mut parts) = mpsc::channel::<Bytes>(PARTS);
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(part) = parts.blocking_recv() {
            file.write_all(&part).map_err(failed)?;
        }
        Ok(file)
    });
    Ok((sender, writing))
}

/// A form that breaks off, or is none.
fn broken(error: MultipartError) -> Problem {
    let status = error.status();
    Problem::new(status, "the form could not be read to its end")
        .with_hint("send it again, as multipart/form-data")
}

/// The file's own name: no directory of the sender's, nothing that can't be shown in a line.
fn plain(name: &str) -> String {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = own.chars().filter(|letter| !letter.is_control());
    let name: String = shown.take(NAME_LETTERS).collect();
    let name = name.trim();
    if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_directories() {
        assert_eq!(plain("C:\\Users\\ann\\bounces.csv"), "bounces.csv");
        assert_eq!(plain("../../etc/passwd"), "passwd");
        assert_eq!(plain("a\r\nb.csv"), "ab.csv");
        assert_eq!(plain(" \u{7}"), NAMELESS);
        assert_eq!(plain(&"x".repeat(1_000)).len(), NAME_LETTERS);
    }
}
