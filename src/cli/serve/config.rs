//! Where the options of `serve` are from: the command line, else the environment, else the file that `--config`
//! names, else the default.
//!
//! What the file says is put behind the arguments as if it had been typed there, unless the option was given: so
//! each option has one parser, and a new option needs nothing here.

use crate::cli::args::{Cli, Command};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Options that a file can't hold.
const NOT_IN_FILES: [&str; 4] = ["config", "print-config", "help", "version"];

/// An option as it is used.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name on the command line.
    name: String,
    /// What it is: none where it is not used.
    value: Option<toml::Value>,
    /// Where that is from.
    from: String,
}

/// Reads the command line, and for `serve` its file.
///
/// # Errors
///
/// What clap says, and a file that can't be read or has keys that are no options.
pub(in crate::cli) fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    let Some(("serve", given)) = matches.subcommand() else {
        return Cli::from_arg_matches(&matches);
    };
    let Some(file) = given.get_one::<PathBuf>("config").cloned() else {
        return with_settings(&matches, given, None);
    };
    let more = arguments_of(&file, given).map_err(|message| {
        let message = format!("`{}`: {message}\n", file.display());
        clap::Error::raw(ErrorKind::InvalidValue, message)
    })?;
    let with_file = [args, &more].concat();
    let complete = command().try_get_matches_from(with_file).map_err(|error| {
        let message = format!("with what `{}` says: {}", file.display(), words(&error));
        clap::Error::raw(error.kind(), message)
    })?;
    with_settings(&complete, given, Some(&file))
}

fn command() -> clap::Command {
    let mut command = Cli::command();
    // Options of every command are known to the subcommand from here on.
    command.build();
    command
}

fn words(error: &clap::Error) -> String {
    let words = error.render().to_string();
    words.trim_start_matches("error: ").to_owned()
}

/// Adds to the command what its options are and where they are from. `given` is without the file.
fn with_settings(
    complete: &ArgMatches,
    given: &ArgMatches,
    file: Option<&Path>,
) -> Result<Cli, clap::Error> {
    let mut cli = Cli::from_arg_matches(complete)?;
    if let (Command::Serve(serve), Some((_, matches))) = (&mut cli.command, complete.subcommand()) {
        serve.settings = settings(matches, given, file);
    }
    Ok(cli)
}

/// The options of `serve`, those of every command included.
fn options(command: &clap::Command) -> impl Iterator<Item = (&str, &clap::Arg)> {
    command
        .find_subcommand("serve")
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|option| Some((option.get_long()?, option)))
        .filter(|(name, _)| !NOT_IN_FILES.contains(name))
}

fn is_given(matches: &ArgMatches, option: &clap::Arg) -> bool {
    matches!(
        matches.value_source(option.get_id().as_str()),
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    )
}

fn is_flag(option: &clap::Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// What a file says, as arguments; options that are `given` go first.
fn arguments_of(file: &Path, given: &ArgMatches) -> Result<Vec<OsString>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let command = command();
    let mut arguments = Vec::new();
    for (key, value) in &table {
        let (_, option) = options(&command).find(|(name, _)| name == key).ok_or_else(|| {
            format!("unknown key `{key}`; the keys are the options of `quell serve --help`")
        })?;
        let mut add = |text: &str| arguments.push(OsString::from(text));
        match (value, is_flag(option)) {
            _ if is_given(given, option) => {}
            (toml::Value::Boolean(true), true) => add(&format!("--{key}")),
            (toml::Value::Boolean(false), true) => {}
            (_, true) => return Err(format!("`{key}` is `true` or `false`")),
            (toml::Value::Array(values), false) => {
                for value in values {
                    add(&format!("--{key}={}", word(key, value)?));
                }
            }
            (value, false) => add(&format!("--{key}={}", word(key, value)?)),
        }
    }
    Ok(arguments)
}

fn word(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(_) | toml::Value::Float(_) => Ok(value.to_string()),
        _ => Err(format!("`{key}` is a text, a number or a list of them")),
    }
}

fn settings(complete: &ArgMatches, given: &ArgMatches, file: Option<&Path>) -> Vec<Setting> {
    let command = command();
    let setting = |(name, option): (&str, &clap::Arg)| {
        let from = match complete.value_source(option.get_id().as_str()) {
            Some(ValueSource::EnvVariable) => {
                let variable = option.get_env().unwrap_or_default().to_string_lossy();
                format!("the environment, {variable}")
            }
            Some(ValueSource::CommandLine) => match file {
                Some(file) if !is_given(given, option) => file.display().to_string(),
                _ => "the command line".to_owned(),
            },
            _ => "default".to_owned(),
        };
        Setting { name: name.to_owned(), value: value_of(complete, option), from }
    };
    options(&command).map(setting).collect()
}

/// An option's value as it would stand in a file.
fn value_of(matches: &ArgMatches, option: &clap::Arg) -> Option<toml::Value> {
    let id = option.get_id().as_str();
    if is_flag(option) {
        return Some(toml::Value::Boolean(matches.get_flag(id)));
    }
    let value = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        text.parse().map_or_else(|_| toml::Value::String(text.into()), toml::Value::Integer)
    };
    let mut values: Vec<_> = matches.get_raw(id)?.map(value).collect();
    match option.get_action() {
        ArgAction::Append => Some(toml::Value::Array(values)),
        _ => values.pop(),
    }
}

/// Writes settings as a file that `--config` reads.
pub(super) fn print(settings: &[Setting], out: &mut dyn Write) -> io::Result<()> {
    let mut lines: Vec<(String, &str)> = Vec::new();
    for setting in settings {
        let mut line = String::new();
        let _ = match &setting.value {
            Some(value) => write!(line, "{} = {value}", setting.name),
            None => write!(line, "# {} =", setting.name),
        };
        lines.push((line, if setting.value.is_some() { &setting.from } else { "not used" }));
    }
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    for (line, from) in lines {
        writeln!(out, "{line:width$}  # {from}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_its_variable() {
        let command = command();
        let globals = ["quiet", "verbose", "color"];
        let mut seen = 0;
        for (name, option) in options(&command).filter(|(name, _)| !globals.contains(name)) {
            let expected = format!("QUELL_{}", name.replace('-', "_").to_uppercase());
            let variable = option.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(variable, Some(expected), "--{name}");
            seen += 1;
        }
        assert!(seen > 10, "{seen}");
    }
}
