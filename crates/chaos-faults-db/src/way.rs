//! How a database is taken down, by what it is.

use chaos_core::{Context, FaultError, Parameters, Plan, Site};

/// What takes a kind of target down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    scheme: &'static str,
    /// The fault that does it.
    kind: &'static str,
    /// What clients see, for a dry run.
    effect: &'static str,
    /// The crate that registers the fault.
    from: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        scheme: "proxy",
        kind: "net.refuse",
        effect: "connections are cut and refused",
        from: "chaos-faults-net",
    },
    Way {
        scheme: "container",
        kind: "container.stop",
        effect: "the database ends, and is started again",
        from: "chaos-faults-container",
    },
    Way {
        scheme: "process",
        kind: "process.pause",
        effect: "connections stay open and nobody answers",
        from: "chaos-faults-resource",
    },
];

impl Way {
    /// The way for this site.
    pub(crate) fn of(site: &Site) -> Result<Self, FaultError> {
        let found = WAYS.into_iter().find(|way| way.scheme == site.scheme());
        found.ok_or_else(|| {
            let schemes = WAYS.map(|way| format!("`{}`", way.scheme)).join(", ");
            let why = format!(
                "a database is taken down as one of {schemes}, not as a `{}`",
                site.scheme()
            );
            FaultError::unsupported(site.to_string(), why)
        })
    }

    /// Plans it, and says so.
    pub(crate) async fn plan(self, site: &Site, cx: &Context) -> Result<Plan, FaultError> {
        let Self { kind, effect, .. } = self;
        let parameters = Parameters::new();
        let planned = cx
            .plan(kind, &parameters, std::slice::from_ref(site))
            .await
            .map_err(|error| self.explain(site, error))?;
        let note = format!("{site} is taken down by {kind}: {effect}");
        Ok(planned.note(note))
    }

    /// Without parameters the configuration can be wrong in one way only: nobody knows the kind.
    fn explain(self, site: &Site, error: FaultError) -> FaultError {
        let FaultError::Config(_) = error else {
            return error;
        };
        let Self { kind, from, .. } = self;
        let why = format!(
            "it is taken down by {kind}, which is not registered here; call the `register` of {from} on the \
             engine's registry"
        );
        FaultError::unsupported(site.to_string(), why)
    }
}
