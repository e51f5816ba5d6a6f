//! A request's body, read by threads as any other input is.

use super::spares::Spares;
use crate::error::Error;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// How many pieces of a body wait at most: some hundred KiB each.
const PIECES_MAX: usize = 4;
/// How long a body that nobody needs any more is read on, so that its sender comes to reading the answer.
const DRAIN: Duration = Duration::from_secs(10);

/// A body on its way.
pub(super) struct Input {
    pieces: Receiver<Piece>,
    piece: Bytes,
    ended: bool,
    /// Whether it stopped because nothing came.
    stalled: Stalled,
}

/// Tells that a body stopped because nothing came.
#[derive(Clone, Default)]
pub(super) struct Stalled(Arc<AtomicBool>);

enum Piece {
    Bytes(Bytes),
    /// Without it the body did not come to its end: an end is never taken for granted.
    End,
}

impl Stalled {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Input {
    /// A body that is read from now on, at most a few pieces ahead, and given up when nothing comes for so long.
    pub(super) fn of(body: Body, patience: Duration) -> Self {
        let (to, pieces) = channel(PIECES_MAX);
        let stalled = Stalled::default();
        tokio::spawn(read(body, to, patience, stalled.clone()));
        Self { pieces, piece: Bytes::new(), ended: false, stalled }
    }

    /// What tells that it stopped because nothing came.
    pub(super) fn stalled(&self) -> Stalled {
        self.stalled.clone()
    }
}

async fn read(mut body: Body, to: Sender<Piece>, patience: Duration, stalled: Stalled) {
    let spares = Spares::default();
    loop {
        let piece = match timeout(patience, body.frame()).await {
            Err(_) => return stalled.0.store(true, Ordering::Relaxed),
            Ok(None) => Piece::End,
            Ok(Some(Err(_))) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                // Copied, so that the connection reads into the same memory again, which is in a cache.
                Ok(bytes) => Piece::Bytes(spares.copy(&bytes)),
                // Trailers say nothing here.
                Err(_) => continue,
            },
        };
        let is_end = matches!(piece, Piece::End);
        if to.send(piece).await.is_err() {
            break;
        }
        if is_end {
            return;
        }
    }
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = timeout(DRAIN, rest).await;
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.piece = bytes,
                Some(Piece::End) => self.ended = true,
                None => {
                    let message = "the body did not come to its end";
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        Error::input(message),
                    ));
                }
            }
        }
        let count = self.piece.len().min(buffer.len());
        let taken = self.piece.split_to(count);
        if let Some(room) = buffer.get_mut(..count) {
            room.copy_from_slice(&taken);
        }
        Ok(count)
    }
}
