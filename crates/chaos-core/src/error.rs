//! What can go wrong, and what it means for the host.
//!
//! A verdict is never an error. An error says that a promise could not be kept, and every
//! [`EngineError`] says what happened to the host.

use crate::needs::Missing;
use std::{fmt, path::PathBuf, time::Duration};

/// Any error, as probes and observers return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A configuration that cannot be used: an unknown name, a wrong unit, a value out of range.
///
/// Nothing was touched. [`field`](Self::field) is the path inside the configuration, so that a reader of a
/// file can point at the line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    subject: Option<String>,
    field: Option<String>,
    problem: String,
    help: Option<String>,
}

impl ConfigError {
    /// A problem that is not tied to one field.
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            subject: None,
            field: None,
            problem: problem.into(),
            help: None,
        }
    }

    /// A problem with one field, by its path: `load`, `parameters.latency`.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(problem)
        }
    }

    /// An unknown name of some `what`, with the known names and the nearest of them.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match (nearest(name, &known), known.is_empty()) {
            (_, true) => format!("no {what} is registered"),
            (Some(near), _) => format!("did you mean `{near}`? known: {}", known.join(", ")),
            (None, _) => format!("known: {}", known.join(", ")),
        };
        Self::new(format!("unknown {what} `{name}`")).help(help)
    }

    /// What serde said of the value at `path`; an unknown field gets the nearest of the known ones.
    pub fn from_serde(path: &str, message: &str) -> Self {
        let (problem, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let mut error =
            if problem.starts_with("unknown field") || problem.starts_with("unknown variant") {
                let names = |text: &str| -> Vec<String> {
                    text.split('`')
                        .skip(1)
                        .step_by(2)
                        .map(str::to_owned)
                        .collect()
                };
                let (name, known) = (names(problem).concat(), names(expected));
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let what = if problem.starts_with("unknown field") {
                    "field"
                } else {
                    "value"
                };
                Self::unknown(what, &name, known.iter().copied())
            } else {
                Self::new(message)
            };
        if !matches!(path, "" | "." | "?") {
            error.field = Some(path.to_owned());
        }
        error
    }

    /// Says what is allowed, or what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names what is being configured: `net.latency`.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Puts `prefix` in front of the field's path.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = Some(match self.field.take() {
            Some(field) if prefix.is_empty() => field,
            Some(field) => format!("{prefix}.{field}"),
            None => prefix.to_owned(),
        });
        self
    }

    /// The path of the field, if the problem has one.
    pub fn field_path(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong, without the field and the help.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What is allowed, or what to do.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(subject) = &self.subject {
            write!(f, "{subject}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.problem)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The known name nearest to `name`, when one is near enough to be a typing error.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::jaro_winkler(name, k), *k))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// What a plugin returns: a fault that cannot be planned, a change that cannot be made or reversed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The configuration, or a nested one, cannot be used.
    #[error("the configuration cannot be used")]
    Config(#[source] ConfigError),
    /// Somebody else's state is where the change would go.
    #[error("{resource} is already in use: {found}")]
    Conflict {
        /// What would have been changed.
        resource: String,
        /// What is there instead.
        found: String,
    },
    /// The fault cannot work on this kind of target.
    #[error("cannot be put on {target}: {why}")]
    Unsupported {
        /// The target, in words.
        target: String,
        /// Why not, and what would work.
        why: String,
    },
    /// The target is not there: no such process, container or address.
    #[error("{target} is not there: {why}")]
    NoTarget {
        /// The target, in words.
        target: String,
        /// What was looked for and found.
        why: String,
    },
    /// The change reported success and cannot be seen on the host.
    #[error("`{change}` reported success but is not in place")]
    NoEffect {
        /// The change, in words.
        change: String,
    },
    /// The host said no.
    #[error("could not {operation}")]
    Host {
        /// What was tried, as it reads after "could not".
        operation: String,
        /// What the host said.
        #[source]
        source: BoxError,
    },
    /// The operation did not end within its limit.
    #[error("`{operation}` did not finish within {limit:?}")]
    TimedOut {
        /// What was tried.
        operation: String,
        /// The limit.
        limit: Duration,
    },
    /// The plugin panicked.
    #[error("`{operation}` panicked: {message}")]
    Panicked {
        /// What was tried.
        operation: String,
        /// The panic's message.
        message: String,
    },
}

impl FaultError {
    /// An operation on the host that failed; `operation` reads after "could not".
    pub fn host(operation: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Host {
            operation: operation.into(),
            source: source.into(),
        }
    }

    /// Somebody else's state is in the way.
    pub fn conflict(resource: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Conflict {
            resource: resource.into(),
            found: found.into(),
        }
    }

    /// The fault cannot work on this kind of target.
    pub fn unsupported(target: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsupported {
            target: target.into(),
            why: why.into(),
        }
    }

    /// The target is not there.
    pub fn no_target(target: impl Into<String>, why: impl Into<String>) -> Self {
        Self::NoTarget {
            target: target.into(),
            why: why.into(),
        }
    }
}

impl From<ConfigError> for FaultError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// The undo log could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UndoLogError {
    /// The directory or file must not be trusted: wrong owner, open to others, a symbolic link.
    #[error("{path} cannot be trusted: {why}")]
    Untrusted {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it, and what it should be.
        why: String,
    },
    /// Reading or writing failed: a full disk, a missing permission.
    #[error("could not {operation} {path}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A watchdog has undone this injection: its time was over or its owner hung.
    #[error("the watchdog has taken over {path}")]
    TakenOver {
        /// The log that was taken over.
        path: PathBuf,
    },
    /// An entry that this version cannot read.
    #[error("{path} line {line} cannot be read: {why}")]
    Malformed {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// One reason why an injection was refused before anything was touched.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The fault's kind.
    pub fault: String,
    /// Where it was to be put.
    pub target: String,
    /// Why not.
    pub why: RefusalReason,
}

/// Why an injection was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefusalReason {
    /// A capability, program or kernel feature is missing.
    Missing(Missing),
    /// The fault could not be planned.
    Plan(FaultError),
    /// The target resolved to nothing.
    NoSites,
    /// The target is on the list of protected targets.
    Protected(String),
    /// A change reaches further than was allowed.
    Reach {
        /// The change.
        change: String,
        /// How far it reaches.
        reach: crate::Reach,
        /// How far was allowed.
        allowed: crate::Reach,
    },
    /// A change cannot be reversed and that was not allowed.
    Irreversible {
        /// The change.
        change: String,
        /// Why it cannot be reversed.
        why: &'static str,
    },
    /// Another injection, in this or another process, has the resource.
    Taken {
        /// The resource.
        resource: String,
        /// Who has it.
        by: String,
    },
    /// The change, or something that looks like it, is already there.
    AlreadyThere {
        /// The change.
        change: String,
        /// What was found.
        found: String,
    },
    /// Nothing registered can undo a change.
    NoUndo {
        /// The undo's kind.
        kind: String,
        /// The undo's version.
        version: u32,
    },
    /// The host changed between planning and claiming.
    Changed,
    /// The watchdog cannot undo a change.
    Watchdog(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: ", self.fault, self.target)?;
        match &self.why {
            RefusalReason::Missing(missing) => write!(f, "{missing}"),
            RefusalReason::Plan(error) => write!(f, "{}", Chain(error)),
            RefusalReason::NoSites => f.write_str("the target matches nothing"),
            RefusalReason::Protected(name) => write!(f, "`{name}` is protected"),
            RefusalReason::Reach {
                change,
                reach,
                allowed,
            } => write!(
                f,
                "`{change}` reaches the {reach}, allowed is the {allowed}; allow it with `allow_host` if you mean it"
            ),
            RefusalReason::Irreversible { change, why } => write!(
                f,
                "`{change}` cannot be reversed ({why}); allow it with `allow_irreversible` if you mean it"
            ),
            RefusalReason::Taken { resource, by } => write!(f, "{resource} is taken by {by}"),
            RefusalReason::AlreadyThere { change, found } => {
                write!(f, "`{change}` would meet what is already there: {found}")
            }
            RefusalReason::NoUndo { kind, version } => write!(
                f,
                "nothing registered can undo `{kind}` version {version}; call the fault crate's `register` on the engine's registry"
            ),
            RefusalReason::Changed => {
                f.write_str("the host changed between planning and claiming; try again")
            }
            RefusalReason::Watchdog(why) => write!(f, "{why}"),
        }
    }
}

/// What a user of the engine sees. Every message says what happened to the host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The experiment cannot be built.
    #[error("the configuration cannot be used; the host was not touched")]
    Config(#[from] ConfigError),
    /// Refused before the first change; every reason is listed.
    #[error("refused; the host was not touched{}", list(.0))]
    Refused(Vec<Refusal>),
    /// The undo log could not be written before the first change.
    #[error("could not use the undo log; the host was not touched")]
    UndoLog(#[source] UndoLogError),
    /// The undo log failed half-way; what had been changed was put back.
    #[error("could not write the undo log after {done} changes; all of them were undone")]
    UndoLogLost {
        /// How many changes had been made.
        done: usize,
        /// What went wrong.
        #[source]
        source: UndoLogError,
    },
    /// A change failed; it and the ones before it were put back.
    #[error("`{change}` failed; everything was undone")]
    Apply {
        /// The change that failed.
        change: String,
        /// Why.
        #[source]
        source: FaultError,
    },
    /// Some changes could not be undone. They stay in the undo log.
    #[error("the host may still be changed: {} of {total} changes of injection {injection} could not be undone{}\n  to retry: Engine::recover_orphans(), or `chaos recover`", .left.len(), left_list(.left))]
    Left {
        /// The injection.
        injection: String,
        /// How many changes were to be undone.
        total: usize,
        /// The ones that are left, and why.
        left: Vec<Leftover>,
    },
    /// The fault was not in place for the whole time; everything was undone.
    #[error("the fault was not in place for the whole time: {why}; everything was undone")]
    NotInPlace {
        /// What happened to it.
        why: String,
    },
    /// The watchdog could not be started or does not answer.
    #[error("could not start the watchdog; the host was not touched")]
    Watchdog(#[source] BoxError),
    /// The recovery thread could not be started.
    #[error("could not start the recovery thread; the host was not touched")]
    Warden(#[source] std::io::Error),
    /// The recovery thread ended, which only the end of the process should do.
    #[error("the recovery thread is gone; changes stay in the undo log until the next `recover`")]
    WardenGone,
}

/// A change that is still on the host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// The change.
    pub change: String,
    /// Why it could not be undone.
    pub why: String,
}

impl Leftover {
    /// A change that is still on the host, and why.
    pub fn new(change: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            change: change.into(),
            why: why.into(),
        }
    }
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(|r| format!("\n  {r}")).collect()
}

fn left_list(left: &[Leftover]) -> String {
    left.iter()
        .map(|l| format!("\n  left in place: {} ({})", l.change, l.why))
        .collect()
}

/// Displays an error with all its sources on one line: `could not open x: permission denied`.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a wrapper for display, made with `Chain(&error)`"
)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
