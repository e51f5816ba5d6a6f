//! Opt-outs in, people made reachable again, over HTTP.

use super::{Answer, Served};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

const PROBLEM: Option<&str> = Some("application/problem+json");

/// A problem of this status that holds no address.
#[track_caller]
fn problem(answer: Answer, status: u16) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), PROBLEM, "{}", answer.text());
    assert!(!answer.text().contains("ann@"), "{}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    problem
}

/// The reasons that the next check gives.
fn reasons(served: &Served, token: &str, address: &str, lists: &[&str]) -> (Value, Vec<String>) {
    let body = json!({"addresses": [address], "lists": lists});
    let answer = served.post("/v1/check", token, &body).expect(200).json();
    let reasons = answer["results"][0]["reasons"].as_array().unwrap();
    let names = reasons.iter().map(|reason| reason["reason"].as_str().unwrap().to_owned());
    (answer["generation"].clone(), names.collect())
}

fn permission() -> Value {
    json!({"channel": "phone", "evidence": "call of 3 May, ticket 4711", "by": "support"})
}

#[test]
fn an_opt_out_is_in_the_very_next_answer_and_repeating_it_changes_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("write");
    for number in 0..20 {
        let address = format!("Ann.{number}@Example.com");
        let body = json!({"address": address, "source": "reply"});
        let answer = served.post("/v1/unsubscribes", &token, &body).expect(201);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let done = answer.json();
        assert_eq!(done.as_object().unwrap().len(), 1, "{done}");
        let (generation, found) = reasons(&served, &token, &address.to_lowercase(), &[]);
        assert_eq!(found, ["unsubscribed"]);
        assert!(generation.as_u64() >= done["generation"].as_u64());
        let again = served.post("/v1/unsubscribes", &token, &body).expect(201).json();
        assert_eq!(again, done);
    }
    // And in what commands say, with who did it.
    assert_eq!(sandbox.reasons("ann.7@example.com", &[]), ["unsubscribed"]);
    let history = sandbox.quell(["history", "ann.7@example.com", "--json"]).expect(0).json();
    assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
    assert!(history[0]["detail"]["by"].as_str().unwrap().starts_with("write "), "{history}");
    assert_eq!(history[0]["detail"]["record"]["source"], "reply");
}

#[test]
fn an_opt_out_of_one_list_or_class_stops_that_alone() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("write");
    let post = |body: Value| served.post("/v1/unsubscribes", &token, &body);
    post(json!({"address": "ann@example.com", "list": " news "})).expect(201);
    assert!(reasons(&served, &token, "ann@example.com", &[]).1.is_empty());
    assert!(reasons(&served, &token, "ann@example.com", &["other"]).1.is_empty());
    assert_eq!(reasons(&served, &token, "ann@example.com", &["news"]).1, ["opted_out"]);
    post(json!({"address": "bob@example.com", "class": "transactional"})).expect(201);
    assert!(reasons(&served, &token, "bob@example.com", &[]).1.is_empty());
    assert_eq!(sandbox.reasons("bob@example.com", &["--class", "transactional"]), ["unsubscribed"]);
    // Members that are null are left out.
    post(json!({"address": "eve@example.com", "list": null, "source": null})).expect(201);
    assert_eq!(reasons(&served, &token, "eve@example.com", &[]).1, ["unsubscribed"]);
}

#[test]
fn an_opt_out_that_can_t_be_understood_is_a_problem_without_the_address() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("write");
    let raw = |kind: &str, body: &[u8]| {
        served.request("POST", "/v1/unsubscribes", &token, &[("content-type", kind)], body)
    };
    let json = "application/json";
    for (kind, body, status) in [
        (json, &b""[..], 400),
        (json, b"[\"ann@example.com\"", 400),
        (json, b"{\"address\": \"ann@example.com\xff\"}", 400),
        (json, b"{}", 400),
        (json, b"{\"address\": null}", 400),
        (json, b"{\"address\": \"no address\"}", 400),
        (json, b"{\"address\": \"ann@example.com\", \"list\": \"\"}", 400),
        (json, b"{\"address\": \"ann@example.com\", \"list\": \"a;ann@example.com\"}", 400),
        (json, b"{\"address\": \"ann@example.com\", \"class\": \"ann@example.com\"}", 400),
        (json, b"{\"address\": \"ann@example.com\", \"ann@example.com\": 1}", 400),
        (json, b"{\"address\": \"ann@example.com\", \"address\": \"ann@example.org\"}", 400),
        ("text/plain", b"{\"address\": \"ann@example.com\"}", 415),
        ("application/x-www-form-urlencoded", b"address=ann@example.com", 415),
    ] {
        problem(raw(kind, body), status);
    }
    let long = json!({"address": "ann@example.com", "source": "x".repeat(100_000)}).to_string();
    problem(raw(json, long.as_bytes()), 413);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    problem(raw(json, deep.as_bytes()), 400);
    assert!(sandbox.reasons("ann@example.com", &[]).is_empty());
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["generation"], 0);
}

#[test]
fn somebody_is_reachable_again_by_a_permission_alone() {
    let sandbox = Sandbox::with_samples();
    sandbox.quell(["unsubscribe", "zoe@example.com"]).expect(0);
    sandbox.quell(["unsubscribe", "zoe@example.com", "--list", "news"]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let post = |body: &Value| served.post("/v1/resubscribes", &token, body);
    let before = sandbox.quell(["status", "--json"]).expect(0).json()["generation"].clone();
    // Without a permission, or with half of one, nothing changes.
    let mut without = vec![json!({"address": "zoe@example.com"})];
    for part in ["channel", "evidence", "by"] {
        for value in [Value::Null, json!(""), json!(" \t")] {
            let mut permission = permission();
            permission[part] = value;
            without.push(json!({"address": "zoe@example.com", "permission": permission}));
        }
        let mut less = permission();
        less.as_object_mut().unwrap().remove(part);
        without.push(json!({"address": "zoe@example.com", "permission": less}));
    }
    let mut pigeon = permission();
    pigeon["channel"] = json!("pigeon");
    without.push(json!({"address": "zoe@example.com", "permission": pigeon}));
    for body in &without {
        let problem = problem(post(body), 422);
        assert!(problem["detail"].as_str().unwrap().contains("nothing was changed"), "{problem}");
        assert!(!problem["hint"].as_str().unwrap().contains("--"), "{problem}");
    }
    assert_eq!(sandbox.quell(["status", "--json"]).expect(0).json()["generation"], before);
    assert_eq!(reasons(&served, &token, "zoe@example.com", &[]).1, ["unsubscribed"]);
    // With one, what blocks everywhere goes, and the list's stays.
    let done = post(&json!({"address": "Zoe@Example.com", "permission": permission()}));
    let done = done.expect(200).json();
    assert_eq!(done["key"], "zoe@example.com");
    assert_eq!(done["deleted"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["still_blocked_by"][0]["scope"], "list:news");
    assert_eq!(done["permission"], permission());
    let (generation, left) = reasons(&served, &token, "zoe@example.com", &[]);
    assert!(left.is_empty() && generation.as_u64() >= done["generation"].as_u64());
    let done =
        post(&json!({"address": "zoe@example.com", "lists": ["news"], "permission": permission()}));
    assert_eq!(done.expect(200).json()["still_blocked_by"], json!([]));
    assert!(reasons(&served, &token, "zoe@example.com", &["news"]).1.is_empty());
}

#[test]
fn a_resubscribe_is_answered_as_the_command_prints_it() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "suppressions.csv",
        "email,reason,source\nann@example.com,complaint,isp\nann@example.com,manual,desk\n",
    );
    sandbox.quell(["import", "suppressions", "suppressions.csv"]).expect(0);
    sandbox.write("contacts.csv", "contact_id,email,bulk_email\n1,ann@example.com,Do Not Allow\n");
    sandbox.quell(["import", "contacts", "contacts.csv"]).expect(0);
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let twin = sandbox.copy();
    let options = ["--permission", "phone", "--evidence", "call of 3 May", "--by", "desk"];
    let mut command = vec!["resubscribe", "ann@example.com", "--include", "complaint", "--json"];
    command.extend(options);
    let printed = twin.quell(command).expect(0).json();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let told = json!({"channel": "phone", "evidence": "she said so", "by": "desk"});
    let body = json!({"address": "ann@example.com", "include": ["complaint"], "permission": told});
    let refused = problem(served.post("/v1/resubscribes", &token, &body), 422);
    assert!(!refused.to_string().contains("--"), "{refused}");
    let noted = json!({"channel": "phone", "evidence": "call of 3 May", "by": "desk"});
    let body = json!({"address": "ann@example.com", "include": ["complaint"], "permission": noted});
    let sent = served.post("/v1/resubscribes", &token, &body).expect(200).json();
    assert_eq!(sent, printed);
    assert_eq!(sent["still_blocked_by"][0]["reason"], "manual");
    for wrong in [
        json!({"address": "ann@example.com", "include": ["ann@example.com"], "permission": noted}),
        json!({"address": "ann@example.com", "lists": [""], "permission": noted}),
        json!({"address": "ann", "permission": noted}),
        json!({"address": "ann@example.com", "permission": "ann@example.com"}),
    ] {
        problem(served.post("/v1/resubscribes", &token, &wrong), 400);
    }
}

#[test]
fn every_error_is_a_problem_and_roles_are_asked_for() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let [decide, write, operator] = ["decide", "write", "operator"].map(|role| served.token(role));
    problem(served.get("/nothing/ann@example.com", ""), 404);
    let wrong_method = served.get("/v1/unsubscribes", &write).expect(405);
    assert_eq!(wrong_method.header("allow"), Some("POST"));
    problem(wrong_method, 405);
    let body = json!({"address": "ann@example.com", "permission": permission()});
    for path in ["/v1/unsubscribes", "/v1/resubscribes"] {
        let none = served.post(path, "", &body).expect(401);
        assert!(none.header("www-authenticate").is_some());
        problem(none, 401);
        problem(served.post(path, &decide, &body), 403);
    }
    problem(served.post("/v1/resubscribes", &write, &body), 403);
    served.post("/v1/resubscribes", &operator, &body).expect(200);
}

#[test]
fn an_opt_out_is_taken_while_the_index_is_damaged() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "bob@example.com"]).expect(0);
    sandbox.quell(["compile"]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let index = std::fs::read_dir(sandbox.path("store/index")).unwrap();
    let segment = index
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .expect("a segment");
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    served.within(5_000, || served.get("/readyz", "").status == 503);
    let opt_out = json!({"address": "ann@example.com"});
    served.post("/v1/unsubscribes", &token, &opt_out).expect(201);
    // Lifting a block is another matter.
    let lift = json!({"address": "bob@example.com", "permission": permission()});
    problem(served.post("/v1/resubscribes", &token, &lift), 503);
    problem(served.get("/v1/records?address=bob@example.com", &token), 503);
    sandbox.quell(["compile", "--full"]).expect(0);
    served.within(5_000, || served.get("/readyz", "").status == 200);
    for address in ["ann@example.com", "bob@example.com"] {
        assert_eq!(reasons(&served, &token, address, &[]).1, ["unsubscribed"], "{address}");
    }
}

#[test]
fn a_store_that_can_t_be_trusted_takes_no_change() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    // The token is known from now on.
    assert!(reasons(&served, &token, "ann@example.com", &[]).1.is_empty());
    std::fs::rename(sandbox.path("store/index"), sandbox.path("index")).unwrap();
    served.within_100_ms(|| served.get("/readyz", "").status == 503);
    let body = json!({"address": "ann@example.com", "permission": permission()});
    let refused = served.post("/v1/resubscribes", &token, &body);
    assert_eq!(refused.header("retry-after"), Some("1"));
    problem(refused, 503);
}

#[test]
fn what_is_recorded_and_what_happened_is_told_as_commands_print_it() {
    let sandbox = Sandbox::new();
    sandbox.write("digests.csv", "digest\n4f2d74f9b7b1d6ba4ea5b7c4d4a5f4ba\n");
    sandbox.write("domains.csv", "domain,subdomains\nexample.com,true\n");
    sandbox
        .write("contacts.csv", "contact_id,email,bulk_email\n1,Ann+x@Example.com,Do Not Allow\n");
    for kind in ["digests", "domains", "contacts"] {
        sandbox.quell(["import", kind, &format!("{kind}.csv")]).expect(0);
    }
    sandbox.quell(["unsubscribe", "ann+x@example.com", "--list", "news"]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let found = served.get("/v1/records?address=ANN%2Bx@example.com", &token).expect(200).json();
    let printed = sandbox.quell(["search", "ann+x@example.com", "--json"]).expect(0).json();
    assert_eq!(found["key"], "ann+x@example.com");
    assert_eq!(found["address"], "ANN+x@example.com");
    assert_eq!(found["records"], printed[0]["records"]);
    assert_eq!(found["records"].as_array().unwrap().len(), 2);
    assert_eq!(found["outside"], json!([printed[1]]));
    assert_eq!(found["erased_since"], Value::Null);
    let told = served.get("/v1/history?address=ann%2bx%40example.com", &token).expect(200).json();
    let printed = sandbox.quell(["history", "ann+x@example.com", "--json"]).expect(0).json();
    assert_eq!(told["events"], printed);
    assert_eq!(told["generation"], found["generation"]);
    // A star is a part of an address here, and nobody has this one.
    let nobody = served.get("/v1/records?address=a*@example.com", &token).expect(200).json();
    assert_eq!(nobody["records"], json!([]));
    assert_eq!(nobody["outside"], found["outside"]);
    sandbox.quell(["erase", "ann+x@example.com", "--by", "desk", "--reason", "asked"]).expect(0);
    served.within_100_ms(|| {
        let found = served.get("/v1/records?address=ann%2Bx@example.com", &token);
        let found = found.expect(200).json();
        found["erased_since"].is_string() && found["records"] == json!([])
    });
}

#[test]
fn a_query_that_can_t_be_understood_is_a_problem_without_the_address() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let (token, writer) = (served.token("operator"), served.token("write"));
    for path in ["/v1/records", "/v1/history"] {
        for query in [
            "",
            "?",
            "?address=",
            "?address=ann",
            "?address=ann@",
            "?address=ann+x@example.com",
            "?address=ann@example.com&address=ann@example.com",
            "?address=ann@example.com&ann@example.com",
            "?address=ann%00@example.com",
            "?address=ann%ff@example.com",
            "?address=%40example.com",
            "?ann@example.com",
        ] {
            let problem = problem(served.get(&format!("{path}{query}"), &token), 400);
            assert!(problem["hint"].is_null() || problem["hint"].to_string().contains("%2B"));
        }
        problem(served.get(&format!("{path}?address=ann@example.com"), &writer), 403);
        problem(served.get(&format!("{path}?address=ann@example.com"), ""), 401);
    }
}

#[test]
fn the_description_names_every_path_and_gives_each_error_its_media_type() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let answer = served.get("/openapi.json", "").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let description = answer.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/v1/check",
        "/v1/unsubscribes",
        "/v1/resubscribes",
        "/v1/records",
        "/v1/history",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let resolved = |response: &Value| match response["$ref"].as_str() {
        Some(reference) => {
            description.pointer(reference.trim_start_matches('#')).expect(reference).clone()
        }
        None => response.clone(),
    };
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = resolved(response);
                if path.starts_with("/v1/") && status.as_str() >= "400" {
                    let content = &response["content"]["application/problem+json"];
                    let schema = &content["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
                }
            }
        }
    }
}
