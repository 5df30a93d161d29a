//! A scenario file that was read and checked, and what it makes.

use crate::{
    diagnose::{Diagnostic, Position},
    file::{File, Group, ProbeSpec},
    scenario::Scenario,
    tree::{Node, Tree},
    variables::substitute,
};
use chaos_core::{
    Chain, ConfigError, Experiment, FaultError, Host, Parameters, Registry, Steady, Targets,
    Tolerance, Value,
};
use chaos_validator::{Load, LoadConfig, Slos, StopCondition, StopWatch};
use serde::Deserialize;
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// What is said besides the file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Values for `${NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Replaces `base_url`.
    pub target: Option<String>,
    /// Which of the file's `environments` goes over it.
    pub environment: Option<String>,
}

/// A scenario file that was read and checked. Nothing is opened and nothing touched.
#[derive(Debug, Clone)]
pub struct Scenarios {
    scenarios: Vec<Scenario>,
    groups: BTreeMap<String, Vec<String>>,
    targets: BTreeMap<String, (String, Parameters)>,
    load: Option<LoadConfig>,
    probes: BTreeMap<String, ProbeSpec>,
    protected: Vec<String>,
    stop_when: Vec<StopCondition>,
    max_duration: Duration,
    require_approval: bool,
    warnings: Vec<String>,
    source: Arc<Source>,
}

/// The file, for errors that come later.
#[derive(Debug)]
struct Source {
    file: Option<PathBuf>,
    text: String,
    tree: Node,
}

/// A target that could not be opened, and where it stands in the file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unopened {
    /// Where, and why.
    pub diagnostic: Diagnostic,
    /// Why.
    pub error: FaultError,
}

/// A scenario that can be run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trial {
    /// The experiment, with its probes and hypotheses; the load is not yet among its observers.
    pub experiment: Experiment,
    /// The load, fresh for this run.
    pub load: Option<Arc<dyn Load>>,
    /// What is promised.
    pub slos: Slos,
}

/// The opened targets of a file. Dropping it closes them.
#[derive(Debug)]
pub struct Stage {
    targets: Targets,
}

impl Scenarios {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong, with file, line, column and field.
    pub fn load(path: &Path, registry: &Registry, options: &Options) -> Result<Self, Diagnostic> {
        let file = Some(path.to_owned());
        let unreadable = |problem: String| Diagnostic::new(problem).in_file(file.clone(), "");
        // By what is read and not by what the file says of itself: devices and pipes say nothing.
        let mut text = String::new();
        let limit = crate::tree::MAX_BYTES;
        fs::File::open(path)
            .and_then(|file| file.take(limit as u64 + 1).read_to_string(&mut text))
            .map_err(|e| unreadable(format!("could not be read: {e}")))?;
        Self::parse(&text, file, registry, options)
    }

    /// Checks a text; `file` is what errors call it.
    ///
    /// # Errors
    /// What is wrong, with file, line, column and field.
    pub fn parse(
        text: &str,
        file: Option<PathBuf>,
        registry: &Registry,
        options: &Options,
    ) -> Result<Self, Diagnostic> {
        let mut tree = Node::parse(text).map_err(|e| e.in_file(file.clone(), text))?;
        let checked = Self::of_tree(&mut tree, registry, options).map_err(|mut e| {
            if let (None, Some(field)) = (e.at, &e.field) {
                let of_key = e.problem.starts_with("unknown field");
                e.at = Some(if of_key {
                    tree.place_of_key(field)
                } else {
                    tree.place(field)
                });
            }
            e.in_file(file.clone(), text)
        })?;
        let source = Arc::new(Source {
            file,
            text: text.to_owned(),
            tree,
        });
        Ok(Self { source, ..checked })
    }

    /// Something about a field, found when the file was read long since.
    fn diagnose(&self, field: &str, problem: String) -> Diagnostic {
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

    fn of_tree(
        tree: &mut Node,
        registry: &Registry,
        options: &Options,
    ) -> Result<Self, Diagnostic> {
        over_environment(tree, options.environment.as_deref())?;
        let mut variables = options.variables.clone();
        variables.extend(
            options
                .target
                .clone()
                .map(|target| ("base_url".to_owned(), target)),
        );
        substitute(tree, &variables, |name| std::env::var(name).ok())?;

        let file: File = read(tree)?;
        let mut checked = Self::of_file(file)?;
        checked.check(registry).map_err(|e| Diagnostic::of(&e))?;
        Ok(checked)
    }

    fn of_file(file: File) -> Result<Self, Diagnostic> {
        let max_duration = file
            .safety
            .max_duration
            .map_or(Duration::from_secs(300), |span| span.0);
        let mut scenarios: Vec<Scenario> = Vec::new();
        for (i, spec) in file.scenarios.iter().enumerate() {
            let at = format!("scenarios[{i}]");
            if scenarios.iter().any(|other| other.name == spec.name) {
                let twice = ConfigError::field(
                    format!("{at}.name"),
                    format!("`{}` stands there twice", spec.name),
                );
                return Err(Diagnostic::of(&twice));
            }
            let scenario =
                Scenario::of_spec(spec, &file).map_err(|e| Diagnostic::of(&e).within(&at))?;
            if scenario.duration > max_duration {
                let limit = Diagnostic::new(format!(
                    "is longer than safety.max_duration, {max_duration:?}"
                ));
                return Err(limit.within(&format!("{at}.duration")));
            }
            scenarios.push(scenario);
        }
        if scenarios.is_empty() {
            return Err(Diagnostic::new("there is no scenario").within("scenarios"));
        }
        let names: Vec<&str> = scenarios.iter().map(Scenario::name).collect();
        let mut groups = BTreeMap::new();
        for (name, group) in file.scenario_groups {
            let members = match group {
                Group::All => names.iter().map(|name| (*name).to_owned()).collect(),
                Group::These(members) => members,
            };
            if let Some((i, unknown)) = members
                .iter()
                .enumerate()
                .find(|(_, m)| !names.contains(&m.as_str()))
            {
                let error = ConfigError::unknown("scenario", unknown, names.iter().copied());
                return Err(Diagnostic::of(&error).within(&format!("scenario_groups.{name}[{i}]")));
            }
            groups.insert(name, members);
        }
        let mut stop_when = Vec::new();
        for (i, text) in file.safety.stop_when.iter().enumerate() {
            let condition: StopCondition = text.parse().map_err(|e: ConfigError| {
                Diagnostic::of(&e).within(&format!("safety.stop_when[{i}]"))
            })?;
            stop_when.push(condition);
        }
        let mut warnings = Vec::new();
        if file.load.is_none() {
            if !stop_when.is_empty() {
                let why = "stop conditions are measured by the load, and there is none";
                return Err(Diagnostic::new(why)
                    .within("safety.stop_when")
                    .help("add `load`"));
            }
            warnings.push(
                "no `load`: SLOs are judged from the users' side and will be inconclusive"
                    .to_owned(),
            );
        }
        Ok(Self {
            scenarios,
            groups,
            targets: file
                .targets
                .into_iter()
                .map(|(name, t)| (name, (t.tag, t.parameters)))
                .collect(),
            load: file.load,
            probes: file.probes,
            protected: file.safety.protected,
            stop_when,
            max_duration,
            require_approval: file.safety.require_approval,
            warnings,
            source: Arc::new(Source {
                file: None,
                text: String::new(),
                tree: Node {
                    at: Position::new(1, 1),
                    value: Tree::Map(Vec::new()),
                },
            }),
        })
    }

    /// Looks everything up and checks every field, without opening anything.
    fn check(&mut self, registry: &Registry) -> Result<(), ConfigError> {
        for (name, (scheme, parameters)) in &self.targets {
            let at = format!("targets.{name}");
            registry
                .check_target(scheme, parameters.clone())
                .map_err(|e| e.within(&at))?;
        }
        if let Some(load) = &self.load {
            load.clone().build().map_err(|e| e.within("load"))?;
        }
        for (name, probe) in &self.probes {
            let at = format!("probes.{name}");
            registry
                .probe(&probe.probe.tag, probe.probe.parameters.clone())
                .map_err(|e| e.within(&at))?;
            tolerance(probe.expect.as_ref()).map_err(|e| e.within("expect").within(&at))?;
            if probe.every < Duration::from_millis(1) {
                return Err(ConfigError::new("is shorter than 1ms")
                    .within("every")
                    .within(&at));
            }
        }
        let known: Vec<&str> = self
            .targets
            .keys()
            .map(String::as_str)
            .chain(["host"])
            .collect();
        for (i, scenario) in self.scenarios.iter().enumerate() {
            let several = scenario.faults.len() > 1;
            for (j, fault) in scenario.faults.iter().enumerate() {
                let at = if several {
                    format!("scenarios[{i}].faults[{j}]")
                } else {
                    format!("scenarios[{i}]")
                };
                registry
                    .fault(&fault.kind, fault.intensity, &fault.parameters)
                    .map_err(|e| e.within(&at))?;
                if !known.contains(&fault.target.as_str()) {
                    let error =
                        ConfigError::unknown("target", &fault.target, known.iter().copied());
                    return Err(error.within("target").within(&at));
                }
                if let Some(word) = self
                    .protected
                    .iter()
                    .find(|word| fault.target.contains(word.as_str()))
                {
                    let target = &fault.target;
                    let problem = format!(
                        "`{target}` contains the word `{word}`, which safety.protected protects"
                    );
                    return Err(ConfigError::new(problem).within("target").within(&at));
                }
            }
        }
        Ok(())
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

    /// What the promises of each scenario cannot mean in the time that it has, and what to change.
    pub fn lints(&self) -> Vec<String> {
        let timeout = self.load.clone().and_then(|load| load.build().ok());
        let timeout = timeout.map_or(Duration::ZERO, |load| load.recording().timeout());
        let mut lints: Vec<String> = Vec::new();
        for scenario in &self.scenarios {
            let window = scenario.duration.saturating_add(scenario.recovery_limit);
            for lint in scenario.slos.lint(window, scenario.duration, timeout) {
                lints.push(format!("{}: {lint}", scenario.name));
            }
        }
        lints
    }

    /// What a reader should know of the file.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Opens the targets: proxies start to listen.
    ///
    /// # Errors
    /// A port in use, a target that cannot be opened; those opened before are closed.
    pub async fn open(&self, registry: &Registry) -> Result<Stage, Unopened> {
        let mut targets = Targets::new();
        for (name, (scheme, parameters)) in &self.targets {
            let opened = registry
                .target(scheme, parameters.clone(), name)
                .await
                .map_err(|error| Unopened {
                    diagnostic: self
                        .diagnose(&format!("targets.{name}"), Chain(&error).to_string()),
                    error,
                })?;
            targets.insert(name.clone(), opened);
        }
        targets
            .entry("host".to_owned())
            .or_insert_with(|| Arc::new(Host));
        Ok(Stage { targets })
    }

    /// Makes a scenario ready to run on the opened targets.
    ///
    /// # Errors
    /// Only when the registry is another one than the file was checked with.
    pub fn trial(
        &self,
        scenario: &Scenario,
        stage: &Stage,
        registry: &Registry,
    ) -> Result<Trial, ConfigError> {
        let mut experiment = Experiment::named(&scenario.name)
            .baseline(scenario.baseline)
            .hold(scenario.duration)
            .recovery_limit(scenario.recovery_limit)
            .max_duration(self.max_duration);
        if let Some(seed) = scenario.seed {
            experiment = experiment.seed(seed);
        }
        for word in &self.protected {
            experiment = experiment.protect(word);
        }
        for fault in &scenario.faults {
            experiment = experiment.fault(fault.place(registry, &stage.targets)?);
        }
        for (name, spec) in &self.probes {
            let probe = registry.probe(&spec.probe.tag, spec.probe.parameters.clone())?;
            let mut steady = Steady::new(name, tolerance(spec.expect.as_ref())?);
            if spec.during_fault {
                steady = steady.also_during_the_fault();
            }
            experiment = experiment.probe(name, spec.every, probe).hypothesis(steady);
        }
        let load = self.load.clone().map(LoadConfig::build).transpose()?;
        if let (Some(load), false) = (&load, self.stop_when.is_empty()) {
            let watch = StopWatch::new(Arc::clone(load), self.stop_when.clone());
            experiment = experiment.observer(Arc::new(watch));
        }
        Ok(Trial {
            experiment,
            load,
            slos: scenario.slos,
        })
    }
}

/// Lays one of the file's environments over it.
fn over_environment(tree: &mut Node, wanted: Option<&str>) -> Result<(), Diagnostic> {
    let environments = tree.take("environments");
    let Some(wanted) = wanted else { return Ok(()) };
    let mut known: Vec<String> = Vec::new();
    if let Some(mut environments) = environments {
        if let Some(chosen) = environments.take(wanted) {
            tree.merge(chosen);
            return Ok(());
        }
        if let Tree::Map(entries) = &environments.value {
            known = entries.iter().map(|(name, ..)| name.clone()).collect();
        }
    }
    if known.is_empty() {
        return Err(Diagnostic::new(format!("unknown environment `{wanted}`"))
            .help("the file has no `environments`"));
    }
    let error = ConfigError::unknown("environment", wanted, known.iter().map(String::as_str));
    Err(Diagnostic::of(&error))
}

fn read<T: for<'de> Deserialize<'de>>(tree: &Node) -> Result<T, Diagnostic> {
    serde_path_to_error::deserialize(tree.to_json()).map_err(|error| {
        let path = error.path().to_string();
        let problem = ConfigError::from_serde(&path, &error.into_inner().to_string());
        Diagnostic::of(&problem)
    })
}

/// What a probe must see; when nothing is said: true, or a status of success.
fn tolerance(expect: Option<&Json>) -> Result<Tolerance, ConfigError> {
    expect.map_or(Ok(Tolerance::Good), |json| value(json).map(Tolerance::Is))
}

fn value(json: &Json) -> Result<Value, ConfigError> {
    match json {
        Json::Bool(flag) => Ok(Value::Flag(*flag)),
        Json::Number(number) => Ok(Value::Number(number.as_f64().unwrap_or_default())),
        Json::String(text) => Ok(Value::Text(text.clone())),
        _ => Err(ConfigError::new("expected true, false, a number or a text")),
    }
}
