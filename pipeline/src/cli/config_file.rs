//! The configuration file of a server: the flags of `greffier serve` under their own names, and rules that have no flag.
//!
//! The values become the defaults of the command line's own options, so that a flag, the environment, the file and what is
//! built in come in that order, each value is read by what reads the flag, and no option is declared twice. (figment layers
//! sources too, but each option would have to be written down once more for it, and its errors name no line.)

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::service::retention::RetentionRule;

/// The command whose options the file holds.
pub(super) const SERVE: &str = "serve";
/// Options of every command that the file may hold too.
const GLOBAL: [&str; 3] = ["language", "library", "models"];
/// The table of rules that say how long meetings are kept.
const RETENTION: &str = "retention";
/// Names at least this near are taken for what was meant: Jaro-Winkler, an honest guess.
const NEAR: f64 = 0.8;

/// A file that was read and holds.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFile {
    /// Options by the names of their flags, in the order of the alphabet.
    pub(super) options: Vec<(String, Vec<String>)>,
    /// How long meetings are kept.
    pub(super) retention: Vec<RetentionRule>,
}

/// Something in a file that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    line: usize,
    /// What is wrong and what to do.
    text: String,
}

/// All that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) struct ConfigError {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut problems = self.problems.iter();
        let line = |problem: &Problem| format!("{}:{}: {}", self.path.display(), problem.line, problem.text);
        f.write_str(&problems.next().map(line).unwrap_or_default())?;
        problems.try_for_each(|problem| write!(f, "\n{}", line(problem)))
    }
}

impl ConfigFile {
    /// Reads the file at `path`; `command` says which options there are.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong; else why the file cannot be read.
    pub(super) fn read(path: &Path, command: &Command) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let remedy = "name a file that this user can read with --config or GREFFIER_CONFIG";
            anyhow::Error::new(error).context(format!("reading `{}`: {remedy}", path.display()))
        })?;
        Ok(Self::parse(&text, command).map_err(|problems| ConfigError {
            path: path.to_owned(),
            problems,
        })?)
    }

    fn parse(text: &str, command: &Command) -> Result<Self, Vec<Problem>> {
        let table = DeTable::parse(text).map_err(|error| vec![of_toml(text, &error)])?;
        let (mut file, mut problems) = (Self::default(), Vec::new());
        for (key, value) in table.into_inner() {
            let (span, name): (_, &str) = (key.span(), key.get_ref());
            let read = if name == RETENTION {
                rules(text, value).map(|rules| file.retention = rules)
            } else {
                let read = option(name, value.get_ref(), command);
                let read = read.map(|values| file.options.push((name.to_owned(), values)));
                read.map_err(|reason| Problem {
                    line: line_of(text, span),
                    text: reason,
                })
            };
            problems.extend(read.err());
        }
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }

    /// The command line whose defaults are what the file says.
    pub(super) fn underlie(&self, mut command: Command) -> Command {
        for (name, values) in &self.options {
            let set = |argument: Arg| argument.default_values(values.clone());
            command = match id_of(&command, name) {
                Some((id, Place::Global)) => command.mut_arg(id, set),
                Some((id, Place::Serve)) => command.mut_subcommand(SERVE, |serve| serve.mut_arg(id, set)),
                None => command,
            };
        }
        command
    }
}

/// Where an option is declared.
enum Place {
    Global,
    Serve,
}

/// The name under which clap knows an option of the file.
fn id_of(command: &Command, name: &str) -> Option<(String, Place)> {
    let named = |command: &Command| {
        let mut arguments = command.get_arguments();
        arguments
            .find(|argument| argument.get_long() == Some(name))
            .map(|argument| argument.get_id().to_string())
    };
    if GLOBAL.contains(&name) {
        return named(command).map(|id| (id, Place::Global));
    }
    let serve = command.find_subcommand(SERVE)?;
    named(serve)
        .filter(|id| id != "help" && id != "version")
        .map(|id| (id, Place::Serve))
}

/// All options that a file may hold, by the names of their flags, in the order of the alphabet.
pub(super) fn arguments(command: &Command) -> Vec<&Arg> {
    let of_serve = command
        .find_subcommand(SERVE)
        .into_iter()
        .flat_map(Command::get_arguments);
    let mut all: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| argument.get_long().is_some_and(|name| GLOBAL.contains(&name)))
        .chain(of_serve.filter(|argument| argument.get_long().is_some() && !argument.is_global_set()))
        .filter(|argument| argument.get_id() != "help" && argument.get_id() != "version")
        .collect();
    all.sort_by_key(|argument| argument.get_long());
    all
}

/// The values of one option, when they are what its flag takes.
fn option(name: &str, value: &DeValue<'_>, command: &Command) -> Result<Vec<String>, String> {
    let known = arguments(command);
    let Some(argument) = known.iter().find(|argument| argument.get_long() == Some(name)) else {
        let near = |argument: &&&Arg| strsim::jaro_winkler(argument.get_long().unwrap_or_default(), name);
        let nearest = known.iter().max_by(|left, right| near(left).total_cmp(&near(right)));
        return Err(match nearest.filter(|argument| near(argument) >= NEAR) {
            Some(argument) => format!(
                "there is no option `{name}`: did you mean `{}`?",
                argument.get_long().unwrap_or_default()
            ),
            None => format!("there is no option `{name}`: `greffier config show` lists those that there are"),
        });
    };
    let values = match (value, argument.get_action()) {
        (DeValue::Array(values), ArgAction::Append) => values.iter().map(|value| text_of(value.get_ref())).collect(),
        (DeValue::Array(_), _) => return Err(format!("`{name}` takes one value, not a list")),
        (DeValue::Boolean(_), ArgAction::SetTrue) => text_of(value).map(|value| vec![value]),
        (_, ArgAction::SetTrue) => return Err(format!("`{name}` is true or false")),
        (value, _) => text_of(value).map(|value| vec![value]),
    };
    let values = values.ok_or_else(|| format!("`{name}` takes a text or a number, not a table or a date"))?;
    if !matches!(argument.get_action(), ArgAction::SetTrue) {
        check(name, &values, command)?;
    }
    Ok(values)
}

/// Has the command line read the values, as if they were flags; without the environment, which is not the file's fault.
fn check(name: &str, values: &[String], command: &Command) -> Result<(), String> {
    let command = without_environment(command.clone());
    let flags = values.iter().map(|value| format!("--{name}={value}"));
    let line = ["greffier".to_owned(), SERVE.to_owned()].into_iter().chain(flags);
    let refused = command.try_get_matches_from(line).err();
    match refused.filter(|error| error.kind() != clap::error::ErrorKind::MissingRequiredArgument) {
        None => Ok(()),
        Some(error) => {
            let text = error.render().to_string();
            let text = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.starts_with("Usage") && !line.starts_with("For more"));
            let text: Vec<&str> = text.filter(|line| !line.is_empty()).collect();
            Err(text.join(" ").trim_start_matches("error: ").to_owned())
        }
    }
}

/// The same command line, deaf to the environment.
pub(super) fn without_environment(command: Command) -> Command {
    let deaf = |argument: Arg| argument.env(None::<&'static str>);
    command
        .mut_args(deaf)
        .mut_subcommand(SERVE, |serve| serve.mut_args(deaf))
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(is_true) => Some(is_true.to_string()),
        _ => None,
    }
}

fn rules(text: &str, value: Spanned<DeValue<'_>>) -> Result<Vec<RetentionRule>, Problem> {
    let span = value.span();
    let read =
        Vec::<RetentionRule>::deserialize(ValueDeserializer::from(value)).map_err(|error| of_toml(text, &error))?;
    match read.iter().find_map(|rule| rule.check().err()) {
        Some(reason) => Err(Problem {
            line: line_of(text, span),
            text: format!("`{RETENTION}`: {reason}"),
        }),
        None => Ok(read),
    }
}

fn of_toml(text: &str, error: &toml::de::Error) -> Problem {
    Problem {
        line: line_of(text, error.span().unwrap_or_default()),
        text: error.message().replace('\n', " "),
    }
}

/// The line on which a stretch of the text begins, from 1.
fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn problems(text: &str) -> Vec<String> {
        let problems = ConfigFile::parse(text, &Cli::command()).unwrap_err();
        problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.line, problem.text))
            .collect()
    }

    #[test]
    fn options_and_rules_are_read() {
        let text = "listen = '0.0.0.0:80'\nwatch = ['/a', '/b']\nupload-mib-max = 5\nbehind-https = true\n\n\
                    [[retention]]\nseries = 'weekly'\nkeep-days = 30\ndelete = 'sound'\n";
        let file = ConfigFile::parse(text, &Cli::command()).unwrap();
        let names: Vec<&str> = file.options.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["behind-https", "listen", "upload-mib-max", "watch"]);
        assert_eq!(file.options[3].1, ["/a", "/b"]);
        assert_eq!(file.retention.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_what_to_do() {
        let told = problems(
            "listen = 'x'\nlissten = 'y'\nupload-mib-max = 'many'\nanonymous = 'yes'\nlisten-to = {}\nwatch = [1979-05-27]\n",
        );
        assert_eq!(told[0], "2: there is no option `lissten`: did you mean `listen`?");
        assert!(
            told[1].starts_with("3: ") && told[1].contains("many") && told[1].contains("--upload-mib-max"),
            "{told:?}"
        );
        assert_eq!(told[2], "4: `anonymous` is true or false");
        assert!(told[3].starts_with("5: there is no option `listen-to`"), "{told:?}");
        assert_eq!(told[4], "6: `watch` takes a text or a number, not a table or a date");
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(problems("engine = 'magic'")[0].contains("extractive"));
        assert!(problems("\n\nlisten = \n")[0].starts_with("3: "));
        assert!(problems("listen = ['a', 'b']")[0].contains("one value"));
        // Options of one call are none of a server.
        assert!(problems("json = true")[0].contains("no option"));
        let told = problems("[[retention]]\nkeep-days = 30\nkind = 'sound'\n");
        assert!(told[0].starts_with("3: ") && told[0].contains("kind"), "{told:?}");
    }

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_what_is_built_in() {
        let file = ConfigFile::parse("listen = 'file:1'\nwatch = ['/a']\n", &Cli::command()).unwrap();
        let of = |line: &[&str]| {
            let matches = file
                .underlie(without_environment(Cli::command()))
                .try_get_matches_from(line)
                .unwrap();
            let serve = matches.subcommand_matches(SERVE).unwrap();
            serve.get_one::<String>("listen").unwrap().clone()
        };
        assert_eq!(of(&["greffier", "serve"]), "file:1");
        assert_eq!(of(&["greffier", "serve", "--listen", "flag:1"]), "flag:1");
    }
}
