//! `POST /v1/check`: what the command says, over HTTP.

use super::Served;
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

/// Rules and digests beside the samples, so that every kind of reason is met.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_samples();
    sandbox.write("domains.csv", "domain,subdomains\nblocked.example,true\n");
    sandbox.quell(["import", "domains", "domains.csv"]).expect(0);
    // MD5 of digested@example.com, for everybody, and of onlist@example.com, for a list.
    sandbox.write(
        "digests.csv",
        "digest,list\n3fb731052162a4c1b4412b2cf54e88fb,\n316f7e43f821bd8b79b9b2a4155df0fb,news\n",
    );
    sandbox.quell(["import", "digests", "digests.csv"]).expect(0);
    for arguments in [
        &["unsubscribe", "global@example.com"][..],
        &["unsubscribe", "listed@example.com", "--list", "news", "--source", "a form"],
        &["unsubscribe", "both@example.com", "--class", "transactional"],
    ] {
        sandbox.quell(arguments).expect(0);
    }
    sandbox
}

fn told(answers: &Value) -> Vec<Value> {
    answers.as_array().unwrap().clone()
}

#[test]
fn the_service_says_what_the_command_says() {
    let sandbox = sandbox();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let samples = ["contacts", "unsubscribes", "preferences", "suppressions"].map(|kind| {
        let text = std::fs::read_to_string(crate::sandbox::sample(&format!("{kind}.csv"))).unwrap();
        text.split(['\n', ','])
            .filter(|cell| cell.contains('@'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let mut addresses: Vec<String> = samples.concat();
    for address in [
        "nobody@example.com",
        "GLOBAL@Example.com",
        "listed@example.com",
        "both@example.com",
        "Digested@example.com",
        "onlist@example.com",
        "ann@blocked.example",
        "ann@deep.blocked.example",
        " <Ann@Example.com> ",
        "no address",
        "",
        "a@example.com, b@example.com",
        "quo\"te\\@example.com",
        "tab\there@example.com",
    ] {
        addresses.push(address.to_owned());
    }
    for (class, lists) in [
        ("bulk", vec![]),
        ("bulk", vec!["news"]),
        ("bulk", vec!["news", "offers", "unheard-of"]),
        ("transactional", vec!["news"]),
    ] {
        let mut arguments = vec!["check", "--json", "--class", class];
        for list in &lists {
            arguments.extend(["--list", list]);
        }
        arguments.push("--");
        arguments.extend(addresses.iter().map(String::as_str));
        let said = sandbox.quell(&arguments).expect(1).json();
        // At once, on another thread, and one by one, mostly inline.
        let body = json!({"addresses": addresses, "lists": lists, "class": class});
        let answer = served.post("/v1/check", &token, &body).expect(200).json();
        assert_eq!(told(&answer["results"]), told(&said), "{class} {lists:?}");
        assert_eq!(answer["generation"], said[0]["generation"]);
        for (address, said) in addresses.iter().zip(told(&said)) {
            let body = json!({"addresses": [address], "lists": lists, "class": class});
            let answer = served.post("/v1/check", &token, &body).expect(200).json();
            assert_eq!(answer["results"][0], said, "{class} {lists:?}");
        }
    }
}

#[test]
fn a_contact_s_own_flags_count_beside_any_address() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "contacts.csv",
        "contact_id,email,bulk_email,email_allowed\n7,denied@example.com,,Do Not Allow\n8,ok@example.com,Allow,Allow\n",
    );
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let addresses =
        ["other@example.com", "other@example.com", "none", "other@example.com", "x@example.com"];
    let contacts = json!(["7", " 8 ", " 7", null, ""]);
    let body = json!({"addresses": addresses, "contacts": contacts});
    let answer = served.post("/v1/check", &token, &body).expect(200).json();
    let verdicts: Vec<&str> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["suppressed", "clear", "invalid", "clear", "clear"]);
    let said =
        sandbox.quell(["check", "--json", "--contact", "7", "other@example.com"]).expect(1).json();
    assert_eq!(answer["results"][0], said[0]);
    let said = sandbox.quell(["check", "--json", "--contact", "7", "none"]).expect(1).json();
    assert_eq!(answer["results"][2], said[0]);
    let short = json!({"addresses": addresses, "contacts": ["7"]});
    served.post("/v1/check", &token, &short).expect(400);
}

#[test]
fn what_can_t_be_understood_is_a_problem_without_an_address() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("decide");
    let json = [("content-type", "application/json; charset=utf-8")];
    let many = json!({"addresses": vec!["ann@example.com"; 10_001]}).to_string();
    let lists: Vec<String> = (0..1_001).map(|list| format!("list {list}")).collect();
    let lists = json!({"addresses": ["ann@example.com"], "lists": lists}).to_string();
    let long = json!({"addresses": ["a".repeat(9 << 20)]}).to_string();
    let deep = format!("{{\"addresses\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("{\"addresses\": [\"ann@example.com\"", 400),
        ("{\"addresses\": [\"ann@example.com\\ud800\"]}", 400),
        ("[\"ann@example.com\"]", 422),
        ("{}", 422),
        ("{\"addresses\": \"ann@example.com\"}", 422),
        ("{\"addresses\": [7]}", 422),
        ("{\"addresses\": [], \"ann@example.com\": 1}", 422),
        ("{\"addresses\": [], \"class\": \"ann@example.com\"}", 400),
        ("{\"addresses\": [], \"lists\": [\"\"]}", 400),
        ("{\"addresses\": [], \"lists\": [\"ann@example.com;b\"]}", 400),
        (&*many, 422),
        (&*lists, 422),
        (&*long, 413),
        (&*deep, 422),
    ] {
        let answer = served.request("POST", "/v1/check", &token, &json, body.as_bytes());
        let answer = answer.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.text().contains("ann@"), "{}", answer.text());
    }
    let body = b"{\"addresses\": [\"\xff@example.com\"]}";
    served.request("POST", "/v1/check", &token, &json, body).expect(400);
    // Options of /v1/filter stand in its query: here they would be left out of the question.
    let asked = json!({"addresses": ["ann@example.com"]});
    served.post("/v1/check?list=news", &token, &asked).expect(400);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    served.request("POST", "/v1/check", &token, &form, b"{\"addresses\":[]}").expect(415);
    let most = json!({"addresses": vec!["ann@example.com"; 10_000]});
    let answer = served.post("/v1/check", &token, &most).expect(200).json();
    assert_eq!(answer["results"].as_array().unwrap().len(), 10_000);
    let named: Vec<String> = (0..1_000).map(|list| format!("list {list}")).collect();
    let named = json!({"addresses": ["ann@example.com"], "lists": named});
    served.post("/v1/check", &token, &named).expect(200);
    let none = served.post("/v1/check", &token, &json!({"addresses": []})).expect(200).json();
    assert_eq!(none["results"], json!([]));
}
