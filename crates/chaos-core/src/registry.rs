//! What there is, by name.

use crate::{
    ConfigError, Fault, FaultConfig, FaultError, Intensity, Parameters, Probe, ProbeConfig, Target,
    TargetConfig, Undo,
    undo::{ErasedUndo, UndoRecord},
};
use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

type BuildFault = fn(Parameters) -> Result<Arc<dyn Fault>, ConfigError>;
type DecodeUndo = fn(serde_json::Value) -> Result<Arc<dyn ErasedUndo>, FaultError>;
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn Target>, FaultError>> + Send + 'a>>;
type OpenTarget = for<'a> fn(Parameters, &'a str) -> Opening<'a>;
type BuildProbe = fn(Parameters) -> Result<Arc<dyn Probe>, ConfigError>;
type MakeSchema = fn() -> schemars::Schema;

#[derive(Clone, Copy)]
struct FaultEntry {
    build: BuildFault,
    schema: MakeSchema,
    preset: fn(Intensity) -> &'static [(&'static str, &'static str)],
    exclusive: &'static [&'static [&'static str]],
    others: &'static [&'static str],
    targets: &'static [&'static str],
    example: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy)]
struct Entry<B> {
    build: B,
    check: fn(Parameters) -> Result<(), ConfigError>,
    schema: MakeSchema,
}

/// The faults, undos, targets and probes that exist, by name.
///
/// Every fault crate has a `register(&mut Registry)`; nothing registers by itself. Registering a name again
/// replaces what had it.
///
/// ```
/// use chaos_core::{ConfigError, Parameters, Registry};
/// let registry = Registry::new();
/// let error: ConfigError = registry.fault("net.latency", None, &Parameters::new()).unwrap_err();
/// assert!(error.to_string().contains("no fault is registered"));
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    faults: BTreeMap<&'static str, FaultEntry>,
    undos: BTreeMap<(&'static str, u32), DecodeUndo>,
    targets: BTreeMap<&'static str, Entry<OpenTarget>>,
    probes: BTreeMap<&'static str, Entry<BuildProbe>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("faults", &self.faults.keys())
            .field("undos", &self.undos.keys())
            .field("targets", &self.targets.keys())
            .field("probes", &self.probes.keys())
            .finish()
    }
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault.
    pub fn add_fault<C: FaultConfig>(&mut self) -> &mut Self {
        let entry = FaultEntry {
            build: |parameters| Ok(Arc::new(parameters.read::<C>()?.build()?)),
            schema: || schemars::schema_for!(C),
            preset: C::preset,
            exclusive: C::EXCLUSIVE,
            targets: C::TARGETS,
            others: C::OTHERS,
            example: C::EXAMPLE,
        };
        self.faults.insert(C::KIND, entry);
        self
    }

    /// Adds one version of an undo.
    pub fn add_undo<U: Undo>(&mut self) -> &mut Self {
        self.undos.insert((U::KIND, U::VERSION), |payload| {
            let undo: U = serde_json::from_value(payload)
                .map_err(|e| FaultError::host(format!("read the undo record `{}`", U::KIND), e))?;
            Ok(Arc::new(undo))
        });
        self
    }

    /// Adds a kind of target.
    pub fn add_target<C: TargetConfig>(&mut self) -> &mut Self {
        let build: OpenTarget = |parameters, name| {
            Box::pin(async move {
                let target: Arc<dyn Target> = Arc::new(parameters.read::<C>()?.open(name).await?);
                Ok(target)
            })
        };
        self.targets.insert(
            C::SCHEME,
            Entry {
                build,
                check: |parameters| parameters.read::<C>()?.check(),
                schema: || schemars::schema_for!(C),
            },
        );
        self
    }

    /// Adds a kind of probe.
    pub fn add_probe<C: ProbeConfig>(&mut self) -> &mut Self {
        let build: BuildProbe = |parameters| Ok(Arc::new(parameters.read::<C>()?.build()?));
        self.probes.insert(
            C::KIND,
            Entry {
                build,
                check: |parameters| parameters.read::<C>().map(drop),
                schema: || schemars::schema_for!(C),
            },
        );
        self
    }

    /// Makes a fault from its kind, an intensity and explicit parameters, which win over the intensity's.
    ///
    /// # Errors
    /// An unknown kind or field, a wrong unit, a value out of range.
    pub fn fault(
        &self,
        kind: &str,
        intensity: Option<Intensity>,
        parameters: &Parameters,
    ) -> Result<Arc<dyn Fault>, ConfigError> {
        let entry = self.faults.get(kind).ok_or_else(|| {
            ConfigError::unknown("fault", kind, self.fault_kinds()).within("type")
        })?;
        let preset = intensity.map_or(&[][..], entry.preset);
        if let (Some(intensity), true) = (intensity, preset.is_empty()) {
            return Err(ConfigError::field(
                "intensity",
                format!("{kind} has no intensity `{intensity}`"),
            )
            .of(kind));
        }
        (entry.build)(parameters.over(preset, entry.exclusive)).map_err(|e| {
            let of_parameters = e.field_path().is_some()
                || ["unknown field", "missing field"]
                    .iter()
                    .any(|start| e.problem().starts_with(start));
            let e = if of_parameters {
                e.within("parameters")
            } else {
                e
            };
            let missing = e.problem().strip_prefix("missing field `");
            let by_intensity =
                missing
                    .and_then(|rest| rest.strip_suffix('`'))
                    .is_some_and(|name| {
                        let preset = (entry.preset)(Intensity::Medium);
                        intensity.is_none() && preset.iter().any(|(field, _)| *field == name)
                    });
            if by_intensity {
                return e
                    .of(kind)
                    .help("write it, or an `intensity`: light, medium or heavy");
            }
            e.of(kind)
        })
    }

    /// Makes a fault with its example parameters, to ask it what it needs.
    ///
    /// # Errors
    /// An unknown kind, or an example that cannot be used.
    pub fn example(&self, kind: &str) -> Result<Arc<dyn Fault>, ConfigError> {
        let entry = self
            .faults
            .get(kind)
            .ok_or_else(|| ConfigError::unknown("fault", kind, self.fault_kinds()))?;
        let preset = (entry.preset)(Intensity::Medium);
        let parameters = Parameters::new().over(entry.example, &[]);
        (entry.build)(parameters.over(preset, entry.exclusive)).map_err(|e| e.of(kind))
    }

    /// Opens a target by its scheme.
    ///
    /// # Errors
    /// An unknown scheme or field, or the target cannot be opened.
    pub async fn target(
        &self,
        scheme: &str,
        parameters: Parameters,
        name: &str,
    ) -> Result<Arc<dyn Target>, FaultError> {
        let entry = self
            .targets
            .get(scheme)
            .ok_or_else(|| ConfigError::unknown("target", scheme, self.target_schemes()))?;
        (entry.build)(parameters, name).await
    }

    /// Checks the configuration of a target without opening it.
    ///
    /// # Errors
    /// An unknown scheme or field, or a wrong unit.
    pub fn check_target(&self, scheme: &str, parameters: Parameters) -> Result<(), ConfigError> {
        let entry = self
            .targets
            .get(scheme)
            .ok_or_else(|| ConfigError::unknown("target", scheme, self.target_schemes()))?;
        (entry.check)(parameters).map_err(|e| e.within(scheme))
    }

    /// Makes a probe by its kind.
    ///
    /// # Errors
    /// An unknown kind or field, a wrong unit, a value out of range.
    pub fn probe(&self, kind: &str, parameters: Parameters) -> Result<Arc<dyn Probe>, ConfigError> {
        let entry = self
            .probes
            .get(kind)
            .ok_or_else(|| ConfigError::unknown("probe", kind, self.probe_kinds()))?;
        (entry.build)(parameters).map_err(|e| e.within(kind))
    }

    /// The kinds of faults, sorted.
    pub fn fault_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.faults.keys().copied()
    }

    /// The kinds of targets, sorted.
    pub fn target_schemes(&self) -> impl Iterator<Item = &'static str> {
        self.targets.keys().copied()
    }

    /// The kinds of probes, sorted.
    pub fn probe_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.probes.keys().copied()
    }

    /// The kinds and versions of undos, sorted.
    pub fn undo_kinds(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.undos.keys().copied()
    }

    /// The parameters that an intensity of a fault stands for.
    pub fn preset(
        &self,
        kind: &str,
        intensity: Intensity,
    ) -> &'static [(&'static str, &'static str)] {
        self.faults
            .get(kind)
            .map_or(&[], |entry| (entry.preset)(intensity))
    }

    /// The schemes of the targets that a fault works on; empty when any will do, or the kind is unknown.
    pub fn targets_of(&self, kind: &str) -> &'static [&'static str] {
        self.faults.get(kind).map_or(&[], |entry| entry.targets)
    }

    /// Whether a fault works on a kind of target.
    ///
    /// # Errors
    /// It does not; the help says on which it does.
    pub fn check_pair(&self, kind: &str, scheme: &str) -> Result<(), ConfigError> {
        let works_on = self.targets_of(kind);
        if works_on.is_empty() || works_on.contains(&scheme) {
            return Ok(());
        }
        let problem = format!("{kind} does not work on a target `{scheme}`");
        Err(ConfigError::field("target", problem)
            .help(format!("it works on: {}", works_on.join(", "))))
    }

    /// The parameters of a fault that are lists of the names of other targets.
    pub fn others(&self, kind: &str) -> &'static [&'static str] {
        self.faults.get(kind).map_or(&[], |entry| entry.others)
    }

    /// Groups of a fault's parameters of which only one may be given.
    pub fn exclusive(&self, kind: &str) -> &'static [&'static [&'static str]] {
        self.faults.get(kind).map_or(&[], |entry| entry.exclusive)
    }

    /// The JSON Schema of a fault's parameters.
    pub fn fault_schema(&self, kind: &str) -> Option<schemars::Schema> {
        self.faults.get(kind).map(|entry| (entry.schema)())
    }

    /// The JSON Schema of a target's fields.
    pub fn target_schema(&self, scheme: &str) -> Option<schemars::Schema> {
        self.targets.get(scheme).map(|entry| (entry.schema)())
    }

    /// The JSON Schema of a probe's fields.
    pub fn probe_schema(&self, kind: &str) -> Option<schemars::Schema> {
        self.probes.get(kind).map(|entry| (entry.schema)())
    }

    pub(crate) fn knows_undo(&self, kind: &str, version: u32) -> bool {
        self.undos.keys().any(|(k, v)| *k == kind && *v == version)
    }

    /// The undo that a record stands for.
    pub(crate) fn decode(&self, record: &UndoRecord) -> Result<Arc<dyn ErasedUndo>, FaultError> {
        let decode = self
            .undos
            .iter()
            .find(|((kind, version), _)| *kind == record.kind && *version == record.version)
            .map(|(_, decode)| decode)
            .ok_or_else(|| {
                FaultError::host(
                    format!("undo `{}` version {}", record.kind, record.version),
                    "nothing registered here can",
                )
            })?;
        decode(record.payload.clone())
    }
}
