//! A service that is killed while opt-outs arrive: every one that it acknowledged is there afterwards.

use super::batch::paths;
use super::{FORM, is_rfc_8058s};
use crate::sandbox::{Dice, Sandbox, soak};
use crate::service::{Answer, Served};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CLIENTS: usize = 16;

#[test]
fn no_acknowledged_opt_out_is_lost_when_the_service_is_killed() {
    let opt_outs = if soak() { 10_000 } else { 400 };
    let mut dice = Dice::new("one-click kill");
    let sandbox = Sandbox::new();
    let address = |at: usize| format!("person{at}@example.com");
    let batch: String = (0..opt_outs).map(|at| address(at) + "\n").collect();
    let paths = paths(&sandbox, &format!("email\n{batch}"), &[]);
    assert_eq!(paths.len(), opt_outs);
    let next = AtomicUsize::new(0);
    let (mut acknowledged, mut kills) = (Vec::new(), 0);
    while next.load(Ordering::Relaxed) < opt_outs {
        let served = Served::start(&sandbox);
        let life = Duration::from_millis(20 + dice.below(250));
        let place = served.address;
        let heard: Vec<usize> = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(|| press_on(place, &paths, &next))).collect();
            std::thread::sleep(life);
            // As a power cut would, in the middle of whatever it does.
            served.kill();
            kills += 1;
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        acknowledged.extend(heard);
    }
    eprintln!("{} of {opt_outs} acknowledged over {kills} kills", acknowledged.len());
    assert!(acknowledged.len() > opt_outs / 4, "{} acknowledged", acknowledged.len());
    sandbox.quell(["verify"]).expect(0);
    let kept =
        sandbox.quell_reading(["filter"], format!("email\n{batch}").as_bytes()).expect(0).text();
    let kept: std::collections::HashSet<&str> = kept.lines().collect();
    for at in acknowledged {
        assert!(
            !kept.contains(address(at).as_str()),
            "{} was acknowledged and is lost",
            address(at)
        );
    }
    // Whatever was not acknowledged is sent again, and taken.
    let served = Served::start(&sandbox);
    let left = (0..opt_outs).filter(|at| kept.contains(address(*at).as_str()));
    for at in left.clone().take(50) {
        is_rfc_8058s(&served.request("POST", &paths[at], "", &[], FORM));
    }
}

/// Sends opt-outs over one connection until the service is gone; gives those that it acknowledged.
fn press_on(place: std::net::SocketAddr, paths: &[String], next: &AtomicUsize) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    let Ok(mut stream) = TcpStream::connect(place) else { return acknowledged };
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(path) = paths.get(at) else { return acknowledged };
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
