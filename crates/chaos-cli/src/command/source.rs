//! A scenario file and what is said besides it.

use super::{USAGE, complain};
use chaos_core::{Engine, EngineBuilder, FaultError, Registry};
use chaos_scenario::{Diagnostics, Options, Scenario, Scenarios, Stage};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// The scenario file, YAML or JSON.
    pub(crate) file: PathBuf,
    /// Only this scenario or group; may be given several times.
    #[arg(short, long = "scenario", value_name = "NAME")]
    pub(crate) scenarios: Vec<String>,
    /// Replaces the file's `base_url`.
    #[arg(short, long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Lays one of the file's environments over it.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Sets `${NAME}`; may be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,
    /// Where the undo log is [default: /var/lib/chaos as root, ~/.local/state/chaos else]
    #[arg(long, value_name = "DIR", env = "CHAOS_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not NAME=VALUE"))
}

impl Source {
    /// Reads and checks the file, with an environment laid over it.
    pub(crate) fn load(
        &self,
        registry: &Registry,
        environment: Option<&str>,
    ) -> Result<Scenarios, Diagnostics> {
        let mut options = Options::default();
        options.variables = self.variables.iter().cloned().collect();
        options.target.clone_from(&self.target);
        options.environment = environment.map(str::to_owned);
        Scenarios::load(&self.file, registry, &options)
    }

    /// Reads and checks the file; what is wrong was told.
    pub(crate) fn read(&self, registry: &Registry) -> Result<Scenarios, u8> {
        let read = self.load(registry, self.environment.as_deref());
        let scenarios = read.map_err(|found| {
            for error in found.iter() {
                complain(&format!("error: {error}"));
            }
            if found.count() > 1 {
                complain(&format!("\n{} errors; nothing was touched", found.count()));
            }
            USAGE
        })?;
        for warning in scenarios.warnings() {
            complain(&format!("warning: {warning}"));
        }
        Ok(scenarios)
    }

    /// The wanted scenarios; what is wrong was told.
    pub(crate) fn select<'a>(&self, scenarios: &'a Scenarios) -> Result<Vec<&'a Scenario>, u8> {
        scenarios.select(&self.scenarios).map_err(|error| {
            complain(&format!("error: --scenario: {error}"));
            USAGE
        })
    }

    /// An engine to order, with the undo log in its place.
    pub(crate) fn engine(&self, registry: &Registry) -> EngineBuilder {
        let builder = Engine::builder().registry(registry.clone());
        match &self.state_dir {
            Some(dir) => builder.state_dir(dir),
            None => builder,
        }
    }
}

/// Opens the targets; what is wrong was told.
pub(crate) async fn open(scenarios: &Scenarios, registry: &Registry) -> Result<Stage, u8> {
    scenarios.open(registry).await.map_err(|unopened| {
        complain(&format!("error: {}", unopened.diagnostic));
        match unopened.error {
            FaultError::Config(_) => USAGE,
            _ => super::REFUSED,
        }
    })
}
