//! Who may ask what: every route with every role, sessions, and what an attacker tries.

mod attacks;
mod limits;
mod roles;
mod sessions;

use super::{Answer, Served};
use crate::sandbox::Sandbox;

/// The session's cookie that signing in with this token gives, as it is to be sent.
fn signed_in(served: &Served, token: &str) -> String {
    let answer = sign_in(served, token, &[]).expect(303);
    cookie(&answer)
}

/// Sends the form of the sign-in page.
fn sign_in(served: &Served, token: &str, headers: &[(&str, &str)]) -> Answer {
    form(served, "/console/sign-in", &format!("token={token}"), headers)
}

/// Sends a form as a browser does.
fn form(served: &Served, path: &str, fields: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    served.request("POST", path, "", &all, fields.as_bytes())
}

/// `name=value` of the cookie that an answer sets.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let line = answer.header("set-cookie").expect("a cookie");
    line.split(';').next().unwrap().to_owned()
}

/// A GET with a session.
fn get(served: &Served, path: &str, session: &str) -> Answer {
    served.request("GET", path, "", &[("cookie", session)], b"")
}

/// A token of this role and name.
fn named_token(sandbox: &Sandbox, role: &str, name: &str) -> String {
    let made = sandbox.quell(["token", "create", "--role", role, "--name", name]).expect(0);
    made.text().lines().last().unwrap().to_owned()
}

/// Revokes a token as its owner's colleague does, by the command.
fn revoke(sandbox: &Sandbox, name: &str) {
    sandbox.quell(["token", "revoke", name]).expect(0);
}
