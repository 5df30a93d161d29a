//! What to break.

use crate::{
    ConfigError, FaultError, Needs, Parameters, Placed, Plan, Registry, Site, Target, Targets,
    seed::Seed,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};

/// What to break. Only plans; the engine acts.
///
/// # Behavior
/// - [`plan`](Self::plan) reads the host and never writes. Called twice with the same [`Context`] on an
///   unchanged host it returns the same changes: choose names from [`Context::mark`], random numbers from
///   [`Context::seed`].
/// - It refuses what it could not undo: foreign state, a target that is not there.
#[async_trait]
pub trait Fault: fmt::Debug + Send + Sync + 'static {
    /// The stable name, as it stands in files: `net.latency`.
    fn kind(&self) -> &'static str;

    /// What must be there before anything is touched: capabilities, programs, kernel features.
    fn needs(&self, site: &Site) -> Needs;

    /// The changes that would be made on these sites.
    ///
    /// # Errors
    /// Why the fault cannot be put on them.
    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fault for Arc<dyn Fault> {
    fn kind(&self) -> &'static str {
        self.as_ref().kind()
    }

    fn needs(&self, site: &Site) -> Needs {
        self.as_ref().needs(site)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.as_ref().plan(sites, cx).await
    }
}

/// Puts faults on targets.
pub trait FaultExt: Fault + Sized {
    /// This fault on that target.
    fn on<T: Target + Clone>(self, target: &T) -> Placed {
        Placed::new(Arc::new(self), Arc::new(target.clone()))
    }
}

impl<F: Fault> FaultExt for F {}

/// The name of one injection; part of every name that it gives to what it makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InjectionId(String);

impl InjectionId {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InjectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a plan, an action and an undo may know.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Context {
    pub(crate) injection: InjectionId,
    pub(crate) part: String,
    pub(crate) seed: Seed,
    pub(crate) step_limit: Duration,
    pub(crate) registry: Arc<Registry>,
    pub(crate) others: Arc<Targets>,
}

impl Context {
    /// The injection that this is for.
    pub fn injection(&self) -> &InjectionId {
        &self.injection
    }

    /// A name that no other fault of any injection gets: put it into the name of whatever is made, and
    /// remove only what carries it. Letters, digits and `-`; at most 40 bytes.
    pub fn mark(&self) -> String {
        if self.part.is_empty() {
            format!("chaos-{}", self.injection)
        } else {
            format!("chaos-{}-{}", self.injection, self.part)
        }
    }

    /// The seed of this fault: the same for the same experiment seed, fault and repetition.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Resolves another target by its name, for faults that take place between two of them.
    ///
    /// # Errors
    /// There is no target of that name, or it cannot be resolved.
    pub async fn sites_of(&self, name: &str) -> Result<Vec<Site>, FaultError> {
        let Some(target) = self.others.get(name) else {
            let known = self.others.keys().map(String::as_str);
            return Err(ConfigError::unknown("target", name, known).into());
        };
        target.sites(self).await
    }

    /// How long one step may take before it is given up and undone.
    pub fn step_limit(&self) -> Duration {
        self.step_limit
    }

    /// Runs blocking work on a throw-away thread, where it may also enter a namespace.
    ///
    /// # Cancellation
    /// A blocking call cannot be stopped: when the future is dropped the thread runs on to its end.
    ///
    /// # Errors
    /// The thread could not be started, or `work` panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FaultError> {
        let (tx, rx) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("chaos-blocking".into())
            .spawn(move || {
                // The receiver is gone when the step was given up.
                tx.send(work()).ok();
            })
            .map_err(|e| FaultError::host("start a thread", e))?;
        rx.await.map_err(|_| FaultError::Panicked {
            operation: "blocking work".into(),
            message: "see the panic message of thread `chaos-blocking`".into(),
        })
    }

    /// Plans another registered fault, so that one kind can be made of others.
    ///
    /// # Errors
    /// The kind is unknown, its parameters are wrong, something it needs is missing, or it cannot be planned
    /// on these sites.
    pub async fn plan(
        &self,
        kind: &str,
        parameters: &Parameters,
        sites: &[Site],
    ) -> Result<Plan, FaultError> {
        let fault = self.registry.fault(kind, None, parameters)?;
        for site in sites {
            if let Some(missing) = fault.needs(site).missing(site).into_iter().next() {
                return Err(FaultError::unsupported(
                    site.to_string(),
                    missing.to_string(),
                ));
            }
        }
        fault.plan(sites, self).await
    }
}
