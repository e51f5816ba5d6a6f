//! `quell token`: who may ask the service.

use super::args::{CreateToken, ListTokens, RevokeToken, Token};
use super::terminal::{print, print_json, print_line};
use super::{Context, clock, exit, input};
use crate::error::{Error, Result};
use crate::ledger::{AccessToken, AccessTokens};
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Runs the command.
///
/// # Errors
///
/// Refused for a name that is taken; usage for one that is not there; as the store says otherwise.
pub fn run(context: &Context, command: &Token) -> Result<u8> {
    match command {
        Token::Create(arguments) => create(context, arguments),
        Token::List(arguments) => list(context, arguments),
        Token::Revoke(arguments) => revoke(context, arguments),
    }
}

fn create(context: &Context, arguments: &CreateToken) -> Result<u8> {
    let role = input::word(&arguments.role)?;
    let name = arguments.name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Error::usage("the name of the token is empty, or holds a control character"));
    }
    let store = Store::open(&context.store)?;
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
    // The prefix is what a scanner of repositories finds a lost token by.
    let token = format!("quell_{}", URL_SAFE_NO_PAD.encode(random));
    store.ledger().add_access_token(&AccessToken {
        name: name.to_owned(),
        role,
        digest: Sha256::digest(token.as_bytes()).into(),
        created_at: clock::now(),
    })?;
    context.terminal.note(&format!("created token `{name}`, role {role}; it is shown only now"));
    print_line(&token)?;
    Ok(exit::DONE)
}

fn list(context: &Context, arguments: &ListTokens) -> Result<u8> {
    let tokens = Store::open(&context.store)?.ledger().access_tokens()?;
    if arguments.json {
        let tokens: Vec<Value> = tokens
            .iter()
            .map(|token| {
                json!({
                    "name": token.name,
                    "role": token.role.as_str(),
                    "created_at": token.created_at.to_string(),
                })
            })
            .collect();
        print_json(&tokens)?;
    } else {
        print(|out| {
            tokens.iter().try_for_each(|token| {
                writeln!(out, "{}  {}  created {}", token.name, token.role, token.created_at)
            })
        })?;
    }
    Ok(exit::DONE)
}

fn revoke(context: &Context, arguments: &RevokeToken) -> Result<u8> {
    let name = arguments.name.trim();
    if !Store::open(&context.store)?.ledger().revoke_access_token(name)? {
        return Err(Error::usage(format!("there is no token named `{name}`"))
            .with_hint("`quell token list` shows those there are"));
    }
    context.terminal.note(&format!("revoked token `{name}`"));
    Ok(exit::DONE)
}
