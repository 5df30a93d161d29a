//! The Docker Engine, and one container of it. The only module that knows the client library.

use bollard::{
    Docker,
    errors::Error,
    models::{ContainerInspectResponse, ContainerStateStatusEnum, HealthStatusEnum},
    query_parameters::{
        InspectContainerOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
        RestartContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
    },
};
use chaos_core::{FaultError, Needs};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

/// Where the engine of a record is when nothing was said.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// A Docker Engine that this process may use.
pub(crate) fn needs() -> Needs {
    Needs::none().feature(
        "a Docker Engine",
        "start one (`apt install docker.io`), join the group `docker`, or set DOCKER_HOST",
        |_| answers(&endpoint()),
    )
}

fn endpoint() -> String {
    let said = std::env::var("DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty());
    said.unwrap_or_else(|| DEFAULT.to_owned())
}

/// Whether somebody listens there; what is not known how to ask is believed.
fn answers(endpoint: &str) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{endpoint}: {e}");
    #[cfg(unix)]
    if let Some(path) = endpoint.strip_prefix("unix://") {
        return std::os::unix::net::UnixStream::connect(path)
            .map(drop)
            .map_err(failed);
    }
    match endpoint.strip_prefix("tcp://") {
        Some(address) => {
            let address = address.trim_end_matches('/');
            let found = address.to_socket_addrs().map_err(failed)?.next();
            let found = found.ok_or_else(|| format!("{endpoint}: no such host"))?;
            TcpStream::connect_timeout(&found, Duration::from_secs(2))
                .map(drop)
                .map_err(failed)
        }
        None => Ok(()),
    }
}

/// A run of a container: the same container started again is another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContainerRun {
    /// The engine's address.
    pub(crate) endpoint: String,
    /// The container's full id.
    pub(crate) id: String,
    /// Its name, for people.
    pub(crate) name: String,
    /// When this run was started, as the engine says it.
    pub(crate) started_at: String,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Running,
    Paused,
    /// Between two states.
    Restarting,
    /// Not running: created, exited, dead.
    Stopped,
}

/// A container as the engine sees it now.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) run: ContainerRun,
    pub(crate) doing: Doing,
    /// The engine's word for it: `exited`.
    pub(crate) status: String,
    /// What its health check says, if it has one.
    pub(crate) healthy: Option<bool>,
    /// How often its restart policy has started it again.
    pub(crate) restarts: u32,
    pub(crate) pid: Option<u32>,
    pub(crate) addresses: Vec<SocketAddr>,
    /// It vanishes when it stops.
    pub(crate) auto_remove: bool,
}

/// Which containers are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pick {
    /// One, by name or id.
    Named(String),
    /// All that carry a label: `tier=web`, or `tier` with any value.
    Labelled(String),
}

/// A connection to an engine.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    docker: Docker,
    endpoint: String,
}

impl Engine {
    /// The engine of `DOCKER_HOST`, else the local one.
    pub(crate) fn local() -> Result<Self, FaultError> {
        Self::at(&endpoint())
    }

    /// The engine of a record.
    pub(crate) fn at(endpoint: &str) -> Result<Self, FaultError> {
        let docker = if endpoint == DEFAULT {
            Docker::connect_with_local_defaults()
        } else {
            Docker::connect_with_host(endpoint)
        };
        let docker = docker
            .map_err(|e| FaultError::host(format!("reach the Docker Engine at {endpoint}"), e))?;
        Ok(Self {
            docker,
            endpoint: endpoint.to_owned(),
        })
    }

    /// The containers that are meant, sorted by name; also those that do not run.
    pub(crate) async fn find(&self, pick: &Pick) -> Result<Vec<Seen>, FaultError> {
        let ids = match pick {
            Pick::Named(name) => vec![name.clone()],
            Pick::Labelled(label) => {
                let filters = HashMap::from([("label", vec![label.as_str()])]);
                let options = ListContainersOptionsBuilder::new()
                    .filters(&filters)
                    .build();
                let listed = self.docker.list_containers(Some(options)).await;
                let listed = listed.map_err(|e| self.failed("list the containers", e))?;
                listed
                    .into_iter()
                    .filter_map(|container| container.id)
                    .collect()
            }
        };
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.look(&id).await?);
        }
        found.sort_by(|a, b| a.run.name.cmp(&b.run.name));
        Ok(found)
    }

    /// The container of this name or id; `None` when there is none.
    pub(crate) async fn look(&self, id: &str) -> Result<Option<Seen>, FaultError> {
        match self
            .docker
            .inspect_container(id, None::<InspectContainerOptions>)
            .await
        {
            Ok(found) => Ok(Some(self.seen(found))),
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(None),
            Err(error) => Err(self.failed(&format!("look at container {id}"), error)),
        }
    }

    pub(crate) async fn pause(&self, id: &str) -> Result<(), FaultError> {
        self.docker
            .pause_container(id)
            .await
            .map_err(|e| self.failed(&format!("pause container {id}"), e))
    }

    pub(crate) async fn unpause(&self, id: &str) -> Result<(), FaultError> {
        self.docker
            .unpause_container(id)
            .await
            .map_err(|e| self.failed(&format!("unpause container {id}"), e))
    }

    pub(crate) async fn start(&self, id: &str) -> Result<(), FaultError> {
        let started = self
            .docker
            .start_container(id, None::<StartContainerOptions>)
            .await;
        started.map_err(|e| self.failed(&format!("start container {id}"), e))
    }

    pub(crate) async fn stop(&self, id: &str, grace: Duration) -> Result<(), FaultError> {
        let options = StopContainerOptionsBuilder::new().t(seconds(grace)).build();
        let stopped = self.docker.stop_container(id, Some(options)).await;
        stopped.map_err(|e| self.failed(&format!("stop container {id}"), e))
    }

    pub(crate) async fn kill(&self, id: &str, signal: &str) -> Result<(), FaultError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let killed = self.docker.kill_container(id, Some(options)).await;
        killed.map_err(|e| self.failed(&format!("send {signal} to container {id}"), e))
    }

    pub(crate) async fn restart(&self, id: &str, grace: Duration) -> Result<(), FaultError> {
        let options = RestartContainerOptionsBuilder::new()
            .t(seconds(grace))
            .build();
        let restarted = self.docker.restart_container(id, Some(options)).await;
        restarted.map_err(|e| self.failed(&format!("restart container {id}"), e))
    }

    fn failed(&self, operation: &str, error: Error) -> FaultError {
        FaultError::host(
            format!("{operation} through the Docker Engine at {}", self.endpoint),
            error,
        )
    }

    fn seen(&self, found: ContainerInspectResponse) -> Seen {
        let state = found.state.unwrap_or_default();
        let doing = match state.status {
            Some(ContainerStateStatusEnum::PAUSED) => Doing::Paused,
            Some(ContainerStateStatusEnum::RESTARTING) => Doing::Restarting,
            Some(ContainerStateStatusEnum::RUNNING) => Doing::Running,
            _ => Doing::Stopped,
        };
        let exposed = found
            .config
            .and_then(|config| config.exposed_ports)
            .unwrap_or_default();
        let ports: Vec<u16> = exposed
            .iter()
            .filter_map(|port| port.strip_suffix("/tcp"))
            .filter_map(|port| port.parse().ok())
            .collect();
        let networks = found
            .network_settings
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        let addresses = networks
            .into_values()
            .filter_map(|network| network.ip_address?.parse::<IpAddr>().ok())
            .flat_map(|ip| ports.iter().map(move |port| SocketAddr::new(ip, *port)))
            .collect();
        Seen {
            run: ContainerRun {
                endpoint: self.endpoint.clone(),
                id: found.id.unwrap_or_default(),
                name: found
                    .name
                    .unwrap_or_default()
                    .trim_start_matches('/')
                    .to_owned(),
                started_at: state.started_at.unwrap_or_default(),
            },
            doing,
            status: state.status.map_or_else(String::new, |s| s.to_string()),
            healthy: state.health.and_then(|health| match health.status? {
                HealthStatusEnum::HEALTHY => Some(true),
                HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY => Some(false),
                // There is no check.
                HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => None,
            }),
            restarts: found
                .restart_count
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or_default(),
            pid: state
                .pid
                .and_then(|pid| u32::try_from(pid).ok())
                .filter(|pid| *pid > 0),
            addresses,
            auto_remove: found
                .host_config
                .and_then(|config| config.auto_remove)
                .unwrap_or_default(),
        }
    }
}

pub(crate) fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs_f64().ceil() as i64).unwrap_or(i32::MAX)
}

impl ContainerRun {
    /// The engine of this container.
    pub(crate) fn engine(&self) -> Result<Engine, FaultError> {
        Engine::at(&self.endpoint)
    }

    /// What excludes other injections.
    pub(crate) fn resource(&self) -> String {
        format!("container {}", self.id)
    }

    /// The id, as short as the `docker` command shows it.
    pub(crate) fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}
