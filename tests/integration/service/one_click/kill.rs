//! A service that is killed while opt-outs arrive: every one that it acknowledged is there afterwards.

use super::batch::paths;
use super::{FORM, is_rfc_8058s};
use crate::sandbox::{Dice, Sandbox, soak};
use crate::service::{Answer, Served};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CLIENTS: usize = 16;

#[test]
fn no_acknowledged_opt_out_is_lost_when_the_service_is_killed() {
    let opt_outs = if soak() { 10_000 } else { 300 };
    let mut dice = Dice::new("one-click kill");
    let sandbox = Sandbox::new();
    let address = |at: usize| format!("person{at}@example.com");
    let batch: String = (0..opt_outs).map(|at| address(at) + "\n").collect();
    let batch = format!("email\n{batch}");
    let paths = paths(&sandbox, &batch, &[]);
    assert_eq!(paths.len(), opt_outs);
    // What was not acknowledged is sent again, as a mailbox provider does.
    let mut waiting: Vec<usize> = (0..opt_outs).collect();
    let mut kills = 0;
    while !waiting.is_empty() {
        let served = Served::start(&sandbox);
        // Looking after each kill takes longer with more of them.
        let life = Duration::from_millis(20 + dice.below(if soak() { 2_000 } else { 100 }));
        let (place, next) = (served.address, AtomicUsize::new(0));
        let acknowledged: HashSet<usize> = std::thread::scope(|scope| {
            let press = || press_on(place, &paths, &waiting, &next);
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(press)).collect();
            std::thread::sleep(life);
            // As a power cut would, in the middle of whatever it does.
            served.kill();
            kills += 1;
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        // Each round for itself: another one would record again what this one lost.
        let kept = sandbox.quell_reading(["filter"], batch.as_bytes()).expect(0).text();
        let kept: HashSet<&str> = kept.lines().collect();
        for at in &acknowledged {
            let address = address(*at);
            assert!(!kept.contains(address.as_str()), "{address} was acknowledged and is lost");
        }
        waiting.retain(|at| !acknowledged.contains(at));
    }
    eprintln!("{opt_outs} acknowledged over {kills} kills");
    assert!(kills > 1);
    sandbox.quell(["verify"]).expect(0);
    let kept = sandbox.quell_reading(["filter"], batch.as_bytes()).expect(0).text();
    assert_eq!(kept, "email\n", "everybody is out");
}

/// Sends opt-outs over one connection until the service is gone; gives those that it acknowledged.
fn press_on(
    place: SocketAddr,
    paths: &[String],
    waiting: &[usize],
    next: &AtomicUsize,
) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    let Ok(mut stream) = TcpStream::connect(place) else { return acknowledged };
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    loop {
        let Some(&at) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) else {
            return acknowledged;
        };
        let path = &paths[at];
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", FORM.len());
        if stream.write_all(&[head.as_bytes(), FORM].concat()).is_err() {
            return acknowledged;
        }
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                _ => return acknowledged,
            }
        }
        is_rfc_8058s(&Answer::parse(&answer));
        acknowledged.push(at);
    }
}
