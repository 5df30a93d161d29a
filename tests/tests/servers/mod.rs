//! The trials, and what they share.

mod answers;
mod dns;
mod down;
mod http;
mod junit;
mod load;
mod measured;
mod probes;
mod process;
mod slow;
mod toxiproxy;

use chaos_core::{BoxError, Engine, Experiment, Placed, Registry};
use chaos_faults_net::Proxy;
use chaos_tests::{Care, Database, Postgres, Redis, Service};
use chaos_validator::{Conclusion, HttpLoad, Judgement, Report, Slo, Slos};
use libtest_mimic::Trial;
use std::{net::SocketAddr, time::Duration};
use tempfile::TempDir;

pub(crate) type Tested = Result<(), BoxError>;

pub(crate) fn trials() -> Vec<Trial> {
    let trials = [
        slow::trials(),
        down::trials(),
        probes::trials(),
        process::trials(),
        answers::trials(),
        dns::trials(),
        http::trials(),
        junit::trials(),
        load::trials(),
        measured::trials(),
        toxiproxy::trials(),
    ];
    trials.into_iter().flatten().collect()
}

/// Which database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Redis,
    Postgres,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Redis, Self::Postgres];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }

    fn at(self, address: SocketAddr) -> Result<Database, BoxError> {
        match self {
            Self::Redis => Database::redis(address),
            Self::Postgres => Ok(Database::postgres(address)),
        }
    }
}

/// A running database.
#[derive(Debug)]
pub(crate) enum Running {
    Redis(Redis),
    Postgres(Postgres),
}

impl Running {
    async fn start(kind: Kind) -> Result<Self, BoxError> {
        let running = match kind {
            Kind::Redis => Self::Redis(Redis::start(&[]).await?),
            Kind::Postgres => Self::Postgres(Postgres::start().await?),
        };
        kind.at(running.server().address())?.write(42).await?;
        Ok(running)
    }

    pub(crate) fn server(&self) -> &chaos_tests::Server {
        match self {
            Self::Redis(server) => server,
            Self::Postgres(server) => server,
        }
    }
}

/// A service that reads from a real database through a proxy, and an engine.
pub(crate) struct Scene {
    service: Service,
    pub(crate) proxy: Proxy,
    engine: Engine,
    _state: TempDir,
    // Ends last.
    pub(crate) database: Running,
}

impl Scene {
    pub(crate) async fn set(kind: Kind, care: Care) -> Result<Self, BoxError> {
        let database = Running::start(kind).await?;
        let proxy = Proxy::in_front_of(database.server().address().to_string()).await?;
        let service = Service::start(kind.at(proxy.address())?, care).await?;
        let (engine, state) = engine().await?;
        Ok(Self {
            service,
            proxy,
            engine,
            _state: state,
            database,
        })
    }

    /// A short experiment under load, with the default SLOs; again, when it could tell nothing, as on a busy machine.
    pub(crate) async fn run(&self, name: &str, fault: Placed) -> Result<Report, BoxError> {
        for _ in 0..2 {
            let report = self.run_once(name, fault.clone()).await?;
            if report.verdict().conclusion != Conclusion::Inconclusive {
                return Ok(report);
            }
        }
        self.run_once(name, fault).await
    }

    async fn run_once(&self, name: &str, fault: Placed) -> Result<Report, BoxError> {
        let experiment = Experiment::named(name)
            .baseline(Duration::from_secs(2))
            .hold(Duration::from_secs(2))
            .recovery_limit(Duration::from_secs(10))
            .fault(fault);
        let load = HttpLoad::get(self.service.url()).rate(50.0);
        let load = load.timeout(Duration::from_millis(1500));
        let slos = Slos::default();
        Ok(chaos_validator::run(&self.engine, experiment, load, &slos).await?)
    }
}

/// Everything that a database can be hit with, and a directory for its undo log.
pub(crate) async fn engine() -> Result<(Engine, TempDir), BoxError> {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    chaos_faults_resource::register(&mut registry);
    chaos_faults_db::register(&mut registry);
    let state = tempfile::tempdir()?;
    let builder = Engine::builder().registry(registry);
    let engine = builder.state_dir(state.path().join("chaos")).open().await?;
    Ok((engine, state))
}

/// That this promise was not kept, and the run says so.
pub(crate) fn assert_broken(report: &Report, slo: Slo) {
    let broken = |slo| {
        let result = report.slos.iter().find(|result| result.slo == slo);
        result.is_some_and(|result| result.judgement == Judgement::Fail)
    };
    assert_eq!(report.exit_code(), 1, "{report}");
    assert!(broken(slo), "{report}");
}
