//! Why an injection was refused before anything was touched.

use super::{Chain, FaultError};
use crate::needs::Missing;
use std::fmt;

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
    /// The target may match several sites by chance, it does, and nothing says how many are meant.
    Several {
        /// What it matches.
        sites: Vec<String>,
        /// How to say which one is meant.
        one_by: &'static str,
    },
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

/// How many sites a message names.
const SHOWN: usize = 10;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: ", self.fault, self.target)?;
        match &self.why {
            RefusalReason::Missing(missing) => write!(f, "{missing}"),
            RefusalReason::Plan(error) => write!(f, "{}", Chain(error)),
            RefusalReason::NoSites => f.write_str("the target matches nothing"),
            RefusalReason::Several { sites, one_by } => {
                let more = match sites.len().checked_sub(SHOWN) {
                    None | Some(0) => String::new(),
                    Some(more) => format!(" and {more} more"),
                };
                let shown = sites[..sites.len().min(SHOWN)].join(", ");
                write!(
                    f,
                    "the target matches {} sites: {shown}{more}; say which by {one_by}, or how many with `radius`: all, one, {{ count: 2 }}",
                    sites.len()
                )
            }
            RefusalReason::Protected(name) => write!(f, "it is protected by the word `{name}`"),
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
