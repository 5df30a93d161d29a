//! Containers as targets.

use crate::docker::{ContainerRun, Engine, Pick, Seen};
use async_trait::async_trait;
use chaos_core::{ConfigError, Context, FaultError, ProcessId, Site, Target, TargetConfig};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// One container by name or id, whatever it does; or all that run and carry a label.
///
/// The engine is that of `DOCKER_HOST`, else the local one.
#[derive(Debug, Clone)]
pub struct Container {
    pick: Pick,
}

impl Container {
    /// The container of this name or id.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            pick: Pick::Named(name.into()),
        }
    }

    /// All containers that run, or are paused, with this label: `tier=web`, or `tier` with any value.
    pub fn labelled(label: impl Into<String>) -> Self {
        Self {
            pick: Pick::Labelled(label.into()),
        }
    }
}

#[async_trait]
impl Target for Container {
    fn describe(&self) -> String {
        match &self.pick {
            Pick::Named(name) => format!("container {name}"),
            Pick::Labelled(label) => format!("containers labelled {label}"),
        }
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let found = Engine::local()?.find(&self.pick).await?;
        match (&self.pick, found.is_empty()) {
            (Pick::Named(name), true) => Err(FaultError::no_target(
                format!("container {name}"),
                "the engine knows no such container",
            )),
            _ => Ok(found.into_iter().map(site).collect()),
        }
    }
}

fn site(seen: Seen) -> Site {
    let mut site = Site::named(
        "container",
        format!("{} ({})", seen.run.name, seen.run.short()),
    );
    // A container of another machine's engine has a pid there and not here.
    let local = seen.run.endpoint.starts_with("unix://");
    if let Some(id) = seen
        .pid
        .filter(|_| local)
        .and_then(|pid| ProcessId::of(pid).ok())
    {
        site = site
            .with_netns(format!("/proc/{}/ns/net", id.pid))
            .with_pid(id);
    }
    for address in &seen.addresses {
        site = site.with_address(*address);
    }
    site.with_handle(Arc::new(seen))
}

/// What the target saw of the container of a site.
pub(crate) fn container(site: &Site) -> Result<Arc<Seen>, FaultError> {
    site.handle::<Seen>()
        .ok_or_else(|| FaultError::unsupported(site.to_string(), "it needs a target `container`"))
}

/// The run of the container of a site, which must be running.
pub(crate) fn running(site: &Site) -> Result<ContainerRun, FaultError> {
    use crate::docker::Doing;
    let seen = container(site)?;
    let conflict = |found: &str| Err(FaultError::conflict(site.to_string(), found));
    match seen.doing {
        Doing::Running => Ok(seen.run.clone()),
        Doing::Paused => conflict("it is paused already, by somebody else"),
        Doing::Restarting => conflict("it is restarting"),
        Doing::Stopped => conflict("it does not run"),
    }
}

/// A container as a target; exactly one of the fields.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ContainerConfig {
    /// The name of one container.
    #[serde(default)]
    pub name: Option<String>,
    /// The id of one container, or its beginning.
    #[serde(default)]
    pub id: Option<String>,
    /// A label that containers carry: `tier=web`, or `tier` with any value.
    #[serde(default)]
    pub label: Option<String>,
}

impl ContainerConfig {
    fn target(self) -> Result<Container, ConfigError> {
        let given = [
            (
                "name",
                self.name,
                Container::named as fn(String) -> Container,
            ),
            ("id", self.id, Container::named),
            ("label", self.label, Container::labelled),
        ];
        let mut given = given
            .into_iter()
            .filter_map(|(field, value, target)| Some((field, value?, target)));
        match (given.next(), given.next()) {
            (Some((field, value, _)), None) if value.trim().is_empty() => {
                Err(ConfigError::field(field, "is empty"))
            }
            (Some((_, value, target)), None) => Ok(target(value)),
            _ => Err(ConfigError::new(
                "exactly one of `name`, `id` and `label` says which container",
            )
            .help("such as `container: { name: web }`")),
        }
    }
}

#[async_trait]
impl TargetConfig for ContainerConfig {
    const SCHEME: &'static str = "container";
    type Target = Container;

    fn check(&self) -> Result<(), ConfigError> {
        self.clone().target().map(drop)
    }

    async fn open(self, _: &str) -> Result<Container, FaultError> {
        Ok(self.target()?)
    }
}
