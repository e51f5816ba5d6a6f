//! `quell address`: how an address is read.

use super::args::Explain;
use super::terminal::{print, print_json};
use super::{Context, exit, input};
use crate::address::{Explanation, InvalidAddress, Policy, several};
use crate::error::Result;
use crate::store::Store;
use serde_json::{Value, json};
use std::io;

/// One address, or one part of a cell with several.
struct Told {
    address: String,
    explanation: Explanation,
}

/// Runs `address explain`: exit code 1 when the address has no key, as `check` has for an invalid one.
///
/// # Errors
///
/// Usage for an unknown policy; as the store says when its policy is asked for.
pub fn explain(context: &Context, arguments: &Explain) -> Result<u8> {
    let policy = match &arguments.policy {
        Some(words) => input::word(words)?,
        None if context.store.exists() => Store::open(&context.store)?.policy(),
        None => Policy::EXACT,
    };
    let tell = |raw: &[u8]| Told {
        address: String::from_utf8_lossy(raw).into_owned(),
        explanation: policy.explain(raw),
    };
    let raw = arguments.address.as_bytes();
    let whole = tell(raw);
    let is_list = whole.explanation.outcome == Err(InvalidAddress::SeveralAddresses);
    let parts: Vec<Told> = if is_list { several(raw).map(tell).collect() } else { Vec::new() };
    if arguments.json {
        let mut value = whole.to_json(policy);
        if is_list {
            value["parts"] = parts.iter().map(|part| part.to_json(policy)).collect();
        }
        print_json(&value)?;
    } else {
        print(|out| {
            writeln!(out, "policy {policy}")?;
            whole.tell(out)?;
            parts.iter().try_for_each(|part| part.tell(out))
        })?;
    }
    Ok(if whole.explanation.outcome.is_ok() { exit::DONE } else { exit::SUPPRESSED })
}

impl Told {
    fn to_json(&self, policy: Policy) -> Value {
        let steps: Vec<Value> = self
            .explanation
            .steps
            .iter()
            .map(|step| {
                json!({
                    "step": step.rule.as_str(),
                    "before": step.before,
                    "after": step.after,
                    "rule": step.rule.text(),
                })
            })
            .collect();
        let error = self.explanation.outcome.as_ref().err().map(|fault| {
            json!({
                "step": fault.rule().as_str(),
                "code": fault.as_str(),
                "message": fault.to_string(),
            })
        });
        json!({
            "address": self.address,
            "policy": policy.to_string(),
            "steps": steps,
            "key": self.explanation.outcome.as_deref().ok(),
            "error": error,
        })
    }

    /// Texts are shown as string literals: what can't be seen in them is what this is asked for.
    fn tell(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "{:?}", self.address)?;
        for step in &self.explanation.steps {
            let (code, rule) = (step.rule.as_str(), step.rule.text());
            writeln!(out, "  {code:<13} {:?}  ({rule})", step.after)?;
        }
        match &self.explanation.outcome {
            Ok(key) => writeln!(out, "  key           {key}"),
            Err(fault) => {
                writeln!(out, "  no key        {fault} (at step {})", fault.rule().as_str())
            }
        }
    }
}
