//! Looks everything up and checks every field, without opening anything.

use crate::{
    diagnose::Diagnostic,
    environment,
    file::{File, Group, Tagged},
    fraction, names,
    path::join,
    probe::ProbeSpec,
    remaining::Remaining,
    scenario::Scenario,
    scenarios::Scenarios,
    tree::{Node, Tree},
};
use chaos_core::{ConfigError, FaultSpec, Intensity, Parameters, Registry, protects, read_config};
use chaos_validator::{LoadConfig, StopCondition};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, time::Duration};

/// The longest time that a fault may be in place when nothing is said.
const USUAL_LIMIT: Duration = Duration::from_secs(300);

/// The names that a file gives, also those of what is wrong.
#[derive(Debug)]
pub(crate) struct Names {
    targets: Vec<String>,
    scenarios: Vec<String>,
    /// Some scenario's name is missing: any name may be meant to be its.
    nameless: bool,
}

impl Names {
    pub(crate) fn of(tree: &Node) -> Self {
        let mut targets = tree
            .get("targets")
            .map(environment::names)
            .unwrap_or_default();
        targets.sort();
        targets.push("host".to_owned());
        let scenarios: Vec<Option<String>> = match tree.get("scenarios").map(|node| &node.value) {
            Some(Tree::List(items)) => items.iter().map(name).collect(),
            _ => Vec::new(),
        };
        Self {
            targets,
            nameless: scenarios.contains(&None),
            scenarios: scenarios.into_iter().flatten().collect(),
        }
    }
}

fn name(scenario: &Node) -> Option<String> {
    match &scenario.get("name")?.value {
        Tree::Scalar(Json::String(name)) => Some(name.clone()),
        _ => None,
    }
}

/// Checks what could be read of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'a> {
    rest: &'a Remaining,
    names: &'a Names,
    registry: &'a Registry,
}

impl<'a> Check<'a> {
    pub(crate) fn new(rest: &'a Remaining, names: &'a Names, registry: &'a Registry) -> Self {
        Self {
            rest,
            names,
            registry,
        }
    }

    pub(crate) fn file(self, file: File, found: &mut Vec<Diagnostic>) -> Scenarios {
        let limit = match file.safety.max_duration {
            // What is wrong is the limit, not what is longer.
            Some(limit) if limit.0.is_zero() => Duration::MAX,
            Some(limit) => limit.0,
            None if self.rest.took("safety.max_duration") => Duration::MAX,
            None => USUAL_LIMIT,
        };
        let mut wrong = Wrong {
            rest: self.rest,
            found,
        };
        if file
            .safety
            .max_duration
            .is_some_and(|limit| limit.0.is_zero())
        {
            let error = ConfigError::field("safety.max_duration", "is no time at all");
            wrong.add(
                "",
                error.help("the longest that a fault may be in place, such as `5m`"),
            );
        }
        names_of(&file, &mut wrong);
        let schemes = self.targets(&file, &mut wrong);
        self.load(&mut wrong);
        self.probes(&file, &mut wrong);
        let mut scenarios: Vec<Scenario> = Vec::new();
        let mut warnings = Vec::new();
        for (i, spec) in file.scenarios.iter().enumerate() {
            let at = format!("scenarios[{i}]");
            if file.scenarios[..i]
                .iter()
                .any(|other| other.name == spec.name)
            {
                let twice = format!("`{}` stands there twice", spec.name);
                wrong.add(&at, ConfigError::field("name", twice));
            }
            let scenario = match Scenario::of_spec(spec, &file) {
                Ok(scenario) => scenario,
                Err(error) => {
                    wrong.add(&at, error);
                    continue;
                }
            };
            for error in scenario.problems(limit) {
                wrong.add(&at, error);
            }
            let limits = file.safety.blast_radius_limits;
            if let Some(error) = limits.and_then(|limits| limits.problem(scenario.targets())) {
                wrong.add(&at, error);
            }
            for (j, fault) in scenario.faults.iter().enumerate() {
                let at = if scenario.inline {
                    at.clone()
                } else {
                    format!("{at}.faults[{j}]")
                };
                self.target_of(fault, &schemes, &file.safety.protected, &at, &mut wrong);
                self.fault(fault, &at, &mut wrong);
                warnings.extend(fraction::warnings(&fault.parameters, &at));
            }
            for (name, probe) in &file.probes {
                if let Err(error) = scenario.leaves_time_for(probe) {
                    wrong.add(&format!("probes.{name}"), error);
                }
            }
            scenarios.push(scenario);
        }
        if file.scenarios.is_empty() && self.names.scenarios.is_empty() {
            wrong.add("", ConfigError::field("scenarios", "there is no scenario"));
        }
        let groups = self.groups(file.scenario_groups, &mut wrong);
        let mut stop_when = Vec::new();
        for (i, text) in file.safety.stop_when.iter().enumerate() {
            match text.parse::<StopCondition>() {
                Ok(condition) => stop_when.push(condition),
                Err(error) => wrong.add(&format!("safety.stop_when[{i}]"), error),
            }
        }
        let from_list = stop_when.len();
        if let Some(limits) = file.safety.blast_radius_limits {
            match limits.conditions() {
                Ok(conditions) => stop_when.extend(conditions),
                Err(error) => wrong.add("safety.blast_radius_limits", error),
            }
        }
        if file.load.is_none() {
            if !stop_when.is_empty() {
                let why = "stop conditions are measured by the load, and there is none";
                let field = match from_list {
                    0 => "safety.blast_radius_limits",
                    _ => "safety.stop_when",
                };
                wrong.add(field, ConfigError::new(why).help("add `load`"));
            }
            warnings.push(
                "no `load`: SLOs are judged from the users' side and will be inconclusive"
                    .to_owned(),
            );
        }
        let targets = file.targets.into_iter();
        Scenarios {
            scenarios,
            groups,
            targets: targets
                .map(|(name, target)| (name, (target.tag, target.parameters)))
                .collect(),
            load: file.load,
            probes: file.probes,
            protected: file.safety.protected,
            stop_when,
            written: from_list,
            max_duration: limit,
            require_approval: file.safety.require_approval,
            warnings,
            environments: Vec::new(),
            source: Default::default(),
        }
    }

    /// Checks the targets; returns the schemes of those that are known.
    fn targets(self, file: &File, wrong: &mut Wrong<'_>) -> BTreeMap<String, String> {
        let mut schemes = BTreeMap::from([("host".to_owned(), "host".to_owned())]);
        for (name, target) in &file.targets {
            if self.registry.target_schemes().any(|s| s == target.tag) {
                schemes.insert(name.clone(), target.tag.clone());
            } else {
                schemes.remove(name);
            }
            wrong.each(
                &format!("targets.{name}"),
                json!({ &target.tag: target.parameters }),
                |value| {
                    let target: Tagged = read_config(value)?;
                    self.registry.check_target(&target.tag, target.parameters)
                },
            );
        }
        schemes
    }

    fn load(self, wrong: &mut Wrong<'_>) {
        if let Some(load) = self.rest.value.get("load").filter(|load| !load.is_null()) {
            wrong.each("load", load.clone(), |value| {
                read_config::<LoadConfig>(value)?.build().map(drop)
            });
        }
    }

    fn probes(self, file: &File, wrong: &mut Wrong<'_>) {
        for (name, probe) in &file.probes {
            let at = format!("probes.{name}");
            let Tagged { tag, parameters } = &probe.probe;
            wrong.each(&at, json!({ tag: parameters }), |value| {
                let ProbeSpec { probe, .. } = read_config(value)?;
                self.registry.probe(&probe.tag, probe.parameters).map(drop)
            });
            for error in probe.problems() {
                wrong.add(&at, error);
            }
        }
    }

    /// Checks that a fault's target is there, not protected, and of a kind that the fault works on.
    fn target_of(
        self,
        fault: &FaultSpec,
        schemes: &BTreeMap<String, String>,
        protected: &[String],
        at: &str,
        wrong: &mut Wrong<'_>,
    ) {
        let target = &fault.target;
        let known = || self.names.targets.iter().map(String::as_str);
        if !known().any(|name| name == target) {
            let error = ConfigError::unknown("target", target, known());
            wrong.add(at, error.within("target"));
            return;
        }
        if let Some(word) = protected.iter().find(|word| protects(word, target)) {
            let problem =
                format!("`{target}` contains the word `{word}`, which safety.protected protects");
            wrong.add(at, ConfigError::field("target", problem));
        }
        if let Some(scheme) = schemes.get(target)
            && let Err(error) = self.registry.check_pair(&fault.kind, scheme)
        {
            wrong.add(at, error);
        }
    }

    /// Checks a fault's kind, intensity and parameters.
    fn fault(self, fault: &FaultSpec, at: &str, wrong: &mut Wrong<'_>) {
        let mut value = json!({ "parameters": fault.parameters });
        // With an intensity that nobody knows, nothing is missing.
        let unknown = self.rest.took(&join(at, "intensity"));
        let intensity = fault.intensity.or(unknown.then_some(Intensity::Medium));
        if intensity.is_some() {
            value["intensity"] = json!(intensity);
        }
        wrong.each(at, value, |value| {
            let intensity = value.get("intensity").and(intensity);
            let parameters: Parameters = match value.get("parameters") {
                Some(parameters) => read_config(parameters)?,
                None => Parameters::new(),
            };
            self.registry
                .fault(&fault.kind, intensity, &parameters)
                .map(drop)
        });
        for error in fault.problems() {
            wrong.add(at, error);
        }
        for parameter in self.registry.others(&fault.kind) {
            self.others(fault, parameter, at, wrong);
        }
    }

    /// Checks that the other targets that a parameter names are there.
    fn others(self, fault: &FaultSpec, parameter: &str, at: &str, wrong: &mut Wrong<'_>) {
        let parameters = serde_json::to_value(&fault.parameters).unwrap_or_default();
        let names = parameters.get(parameter).and_then(Json::as_array);
        for (i, name) in names.into_iter().flatten().enumerate() {
            let known = || self.names.targets.iter().map(String::as_str);
            if let Some(name) = name.as_str()
                && !known().any(|known| known == name)
            {
                let error = ConfigError::unknown("target", name, known());
                wrong.add(at, error.within(&format!("parameters.{parameter}[{i}]")));
            }
        }
    }

    fn groups(
        self,
        groups: BTreeMap<String, Group>,
        wrong: &mut Wrong<'_>,
    ) -> BTreeMap<String, Vec<String>> {
        let known = &self.names.scenarios;
        let members = |(name, group): (String, Group)| {
            let members = match group {
                Group::All => known.clone(),
                Group::These(members) => members,
            };
            for (i, member) in members.iter().enumerate() {
                if !known.contains(member) && !self.names.nameless {
                    let known = known.iter().map(String::as_str);
                    let error = ConfigError::unknown("scenario", member, known);
                    wrong.add(&format!("scenario_groups.{name}[{i}]"), error);
                }
            }
            (name, members)
        };
        groups.into_iter().map(members).collect()
    }
}

/// Checks the names that a file gives.
fn names_of(file: &File, wrong: &mut Wrong<'_>) {
    for (i, spec) in file.scenarios.iter().enumerate() {
        if let Err(error) = names::check(&spec.name) {
            wrong.add(&format!("scenarios[{i}].name"), error);
        }
    }
    let targets = file.targets.keys().map(|name| ("targets", name));
    let probes = file.probes.keys().map(|name| ("probes", name));
    let groups = file.scenario_groups.keys();
    let groups = groups.map(|name| ("scenario_groups", name));
    for (field, name) in targets.chain(probes).chain(groups) {
        if let Err(error) = names::check(name) {
            wrong.add(field, error);
        }
    }
}

/// What was found to be wrong.
struct Wrong<'a> {
    rest: &'a Remaining,
    found: &'a mut Vec<Diagnostic>,
}

impl Wrong<'_> {
    /// Adds an error below `at`, unless it only follows from what was taken out.
    fn add(&mut self, at: &str, error: ConfigError) {
        let error = if at.is_empty() {
            error
        } else {
            error.within(at)
        };
        if !self.rest.follows(&error) {
            let error = Diagnostic::of(&error);
            self.found.push(self.rest.in_the_beginning(error));
        }
    }

    /// Adds everything that `check` finds wrong with a value below `at`.
    fn each(&mut self, at: &str, value: Json, check: impl Fn(&Json) -> Result<(), ConfigError>) {
        let mut found = Vec::new();
        Remaining::new(value).read(check, &mut found);
        for error in found {
            let missing = ConfigError::field(
                error
                    .field
                    .as_deref()
                    .map_or_else(|| at.to_owned(), |field| join(at, field)),
                error.problem.clone(),
            );
            if !self.rest.follows(&missing) {
                self.found
                    .push(self.rest.in_the_beginning(error.within(at)));
            }
        }
    }
}
