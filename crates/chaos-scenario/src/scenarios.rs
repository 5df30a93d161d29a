//! A scenario file that was read and checked.

use crate::{
    diagnose::Diagnostic,
    limits::BlastRadiusLimits,
    probe::ProbeSpec,
    scenario::Scenario,
    tree::{Node, Tree},
};
use chaos_core::{ConfigError, Parameters};
use chaos_validator::{LoadConfig, Recording, Slo, Slos, StopCondition, merge_lints};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// A scenario file that was read and checked. Nothing is opened and nothing touched.
#[derive(Debug, Clone)]
pub struct Scenarios {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) targets: BTreeMap<String, (String, Parameters)>,
    pub(crate) load: Option<LoadConfig>,
    pub(crate) probes: BTreeMap<String, ProbeSpec>,
    pub(crate) protected: Vec<String>,
    /// First those that are written, then those of the limits.
    pub(crate) stop_when: Vec<StopCondition>,
    pub(crate) written: usize,
    pub(crate) max_duration: Duration,
    pub(crate) require_approval: bool,
    pub(crate) warnings: Vec<String>,
    pub(crate) environments: Vec<String>,
    pub(crate) source: Arc<Source>,
}

/// The file, for errors that come later.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    pub(crate) text: String,
    pub(crate) tree: Node,
}

impl Scenarios {
    /// Something about a field, found when the file was read long since.
    pub(crate) fn diagnose(&self, field: &str, problem: String) -> Diagnostic {
        let at = self.source.tree.place(field);
        Diagnostic::new(problem)
            .at(at)
            .within(field)
            .in_file(self.source.file.clone(), &self.source.text)
    }

    /// What was found of a scenario after the file was read, such as that its target is not there.
    pub fn refused(&self, scenario: &Scenario, why: impl Into<String>) -> Diagnostic {
        let index = self
            .scenarios
            .iter()
            .position(|own| own.name == scenario.name)
            .unwrap_or_default();
        let inline = format!("scenarios[{index}].target");
        let field = if scenario.inline {
            inline
        } else {
            format!("scenarios[{index}]")
        };
        self.diagnose(&field, why.into())
    }

    /// All scenarios, in the order of the file.
    pub fn all(&self) -> &[Scenario] {
        &self.scenarios
    }

    /// The groups and their scenarios.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.groups
            .iter()
            .map(|(name, members)| (name.as_str(), members.as_slice()))
    }

    /// The names of the file's environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.environments.iter().map(String::as_str)
    }

    /// The scenarios of these names and groups, each once; all of them when nothing is said.
    ///
    /// # Errors
    /// An unknown name, with the known ones.
    pub fn select(&self, wanted: &[String]) -> Result<Vec<&Scenario>, ConfigError> {
        if wanted.is_empty() {
            return Ok(self.scenarios.iter().collect());
        }
        let mut names: Vec<&str> = Vec::new();
        for wish in wanted {
            match self.groups.get(wish) {
                Some(members) => names.extend(members.iter().map(String::as_str)),
                None if self.scenarios.iter().any(|s| s.name == *wish) => names.push(wish),
                None => {
                    let known = self
                        .scenarios
                        .iter()
                        .map(Scenario::name)
                        .chain(self.groups.keys().map(String::as_str));
                    return Err(ConfigError::unknown("scenario or group", wish, known));
                }
            }
        }
        Ok(self
            .scenarios
            .iter()
            .filter(|s| names.contains(&s.name.as_str()))
            .collect())
    }

    /// Whether somebody has to approve before anything is broken.
    pub fn requires_approval(&self) -> bool {
        self.require_approval
    }

    /// What the promises of the scenarios cannot mean in the time that they have, and what to change; what holds for
    /// several is said once, with their names.
    pub fn lints(&self) -> Vec<String> {
        let load = self.load.clone().and_then(|load| load.build().ok());
        let load = load.map_or_else(Recording::none, |load| load.recording());
        let (rate, timeout) = (load.rate(), load.timeout());
        let usual = BlastRadiusLimits::default().conditions();
        let usual = usual.unwrap_or_default();
        let lints_of = |scenario: &Scenario| {
            let window = scenario.duration.saturating_add(scenario.recovery_limit);
            let said = self.said(scenario);
            let mut lints = said.lint(window, scenario.duration, timeout);
            for (i, stop) in self.stop_when.iter().enumerate() {
                if i < self.written || !usual.contains(stop) {
                    lints.extend(stop.lint(&said, rate, timeout));
                    lints.extend(stop.lint_endpoints(load.endpoints().len()));
                }
            }
            lints.extend(scenario.slos.never_missed(window, scenario.recovery_limit));
            lints
        };
        let lints: Vec<(&str, String)> = self
            .scenarios
            .iter()
            .flat_map(|scenario| {
                let name = scenario.name.as_str();
                lints_of(scenario).into_iter().map(move |lint| (name, lint))
            })
            .collect();
        merge_lints(lints.iter().map(|(name, lint)| (*name, lint.as_str())))
    }

    /// The promises of a scenario that are written: nobody has to be told that defaults do not go together.
    fn said(&self, scenario: &Scenario) -> Slos {
        let tree = &self.source.tree;
        let own = self.node(scenario).and_then(|node| node.get("slo_targets"));
        let targets = own.or_else(|| tree.get("slo_targets"));
        let is_said = |slo: &Slo| targets.is_some_and(|node| node.get(slo.field()).is_some());
        let unsaid = Slo::ALL.into_iter().filter(|slo| !is_said(slo));
        unsaid.fold(scenario.slos, Slos::without)
    }

    /// Where a scenario stands in the file.
    fn node(&self, scenario: &Scenario) -> Option<&Node> {
        let index = self
            .all()
            .iter()
            .position(|own| own.name == scenario.name)?;
        match &self.source.tree.get("scenarios")?.value {
            Tree::List(items) => items.get(index),
            _ => None,
        }
    }

    /// What a reader should know of the file.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
