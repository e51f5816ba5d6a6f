use super::*;
use http_body_util::BodyExt;
use std::thread;

fn told() -> HeaderMap {
    let mut told = HeaderMap::new();
    told.insert("quell-status", "ok".parse().unwrap());
    told
}

async fn all(mut kept: Kept) -> (Vec<u8>, Result<Option<HeaderMap>, io::Error>) {
    let mut bytes = Vec::new();
    loop {
        match kept.frame().await {
            None => return (bytes, Ok(None)),
            Some(Err(error)) => return (bytes, Err(error)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => bytes.extend_from_slice(&data),
                Err(frame) => return (bytes, Ok(frame.into_trailers().ok())),
            },
        }
    }
}

fn block(number: u8) -> Vec<u8> {
    vec![number; 300_000]
}

#[tokio::test]
async fn everything_comes_out_in_order_however_late_it_is_read() {
    for first_reads in [0, 3, 200] {
        let (mut writer, ender, mut kept) = spool(1 << 30);
        let writing = thread::spawn(move || {
            for number in 0..60 {
                writer.write_all(&block(number)).unwrap();
            }
            ender.end(Ok(told()));
        });
        let mut before = Vec::new();
        for _ in 0..first_reads {
            match kept.frame().await.map(|frame| frame.unwrap().into_data()) {
                Some(Ok(data)) => before.extend_from_slice(&data),
                _ => break,
            }
        }
        if first_reads == 0 {
            // Everything is sent before anything is read.
            kept.ended().await;
            assert!(kept.shared.lock().in_file() > 0, "some of it waits on disk");
        }
        let rest = if kept.is_over { (Vec::new(), Ok(None)) } else { all(kept).await };
        writing.join().unwrap();
        before.extend_from_slice(&rest.0);
        let expected: Vec<u8> = (0..60).flat_map(block).collect();
        assert!(before == expected, "{first_reads}");
        if first_reads < 200 {
            assert_eq!(rest.1.unwrap(), Some(told()));
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_the_end_of_a_batch_that_waits_for_room() {
    let (mut writer, _ender, kept) = spool(1 << 30);
    let writing = thread::spawn(move || {
        (0..20).try_for_each(|number| writer.write_all(&block(number))).unwrap();
    });
    kept.ended_or_full().await;
    assert!(kept.unread() >= MEMORY_MAX && kept.end().is_none());
    writing.join().unwrap();
}

#[tokio::test]
async fn what_fails_never_looks_whole() {
    let (mut writer, ender, kept) = spool(1 << 20);
    writer.write_all(b"rows").unwrap();
    ender.end(Err(Problem::new(StatusCode::BAD_REQUEST, "line 7")));
    assert!(writer.write_all(b"more").is_err());
    assert!(all(kept).await.1.is_err());
    let (mut writer, ender, kept) = spool(1 << 20);
    writer.write_all(b"rows").unwrap();
    // As a panic does.
    drop(ender);
    assert!(all(kept).await.1.is_err());
}

#[tokio::test]
async fn who_was_late_and_reads_slowly_then_needs_no_more_disk_than_before() {
    // All that is kept is many times as much as may wait on disk.
    let (mut writer, ender, mut kept) = spool(1 << 20);
    let (reads, waits) = std::sync::mpsc::channel();
    let writing = thread::spawn(move || {
        (0..8).try_for_each(|number| writer.write_all(&block(number)))?;
        waits.recv().unwrap();
        (8..60).try_for_each(|number| writer.write_all(&block(number)))?;
        ender.end(Ok(told()));
        io::Result::Ok(())
    });
    while kept.shared.lock().in_file() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut bytes = Vec::new();
    while let Some(frame) = kept.frame().await {
        match frame.unwrap().into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => assert_eq!(frame.into_trailers().ok(), Some(told())),
        }
        let _ = reads.send(());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    writing.join().unwrap().unwrap();
    let expected: Vec<u8> = (0..60).flat_map(block).collect();
    assert!(bytes == expected, "{} bytes", bytes.len());
}

#[tokio::test]
async fn the_disk_is_bounded() {
    let (mut writer, _ender, kept) = spool(5 << 20);
    let wrote = (0..100).try_for_each(|number| writer.write_all(&block(number)));
    assert!(wrote.unwrap_err().to_string().contains("that is the limit"));
    drop(kept);
    assert_eq!(writer.write_all(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
