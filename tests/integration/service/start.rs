//! A service that starts, answers, sees what commands change, and stops.

use super::Served;
use crate::sandbox::Sandbox;
use serde_json::json;

#[test]
fn what_a_command_changes_is_in_the_next_answers() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let check = || {
        let body = json!({"addresses": ["Ann@example.com"]});
        served.post("/v1/check", &token, &body).expect(200).json()
    };
    assert_eq!(check()["results"][0]["verdict"], "clear");
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    served.within_100_ms(|| check()["results"][0]["verdict"] == "suppressed");
    assert_eq!(check()["results"][0]["reasons"][0]["reason"], "unsubscribed");
}

#[test]
fn an_index_that_went_away_is_no_answer() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let manifest = sandbox.path("store/index/manifest");
    let away = sandbox.path("manifest");
    std::fs::rename(&manifest, &away).unwrap();
    served.within_100_ms(|| served.get("/readyz", "").status == 503);
    let body = json!({"addresses": ["ann@example.com"]});
    let refused = served.post("/v1/check", &token, &body).expect(503);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    std::fs::rename(&away, &manifest).unwrap();
    served.within(2_000, || served.get("/readyz", "").status == 200);
}

#[test]
fn it_stops_when_it_is_told_to() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    served.get("/healthz", "").expect(200);
    assert_eq!(served.stop(), Some(0));
}
