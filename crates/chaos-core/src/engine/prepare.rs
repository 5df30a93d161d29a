//! Before the first change: resolve, plan, and find everything that speaks against it.

use super::Shared;
use crate::{
    Change, EngineError, FaultError, InjectionId, Placed, Plan, Presence, Refusal, RefusalReason,
    UndoLogError,
    guard::guarded,
    plan::{How, Step},
    protect::protects,
    seed::Seed,
    undo_log::{Claim, Scan},
};
use std::{collections::BTreeSet, sync::Arc};

/// What an injection would change, and everything that speaks against it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Preview {
    /// The faults that can be planned.
    pub faults: Vec<PreviewedFault>,
    /// Everything that speaks against it; empty when it would go ahead.
    pub refusals: Vec<Refusal>,
}

/// What one fault would change.
#[derive(Debug)]
#[non_exhaustive]
pub struct PreviewedFault {
    /// The fault's kind.
    pub kind: String,
    /// The target in words.
    pub target: String,
    /// Where the target is now.
    pub sites: Vec<String>,
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// What the fault says about its plan, such as which way was chosen.
    pub notes: Vec<String>,
}

/// A fault that is ready to be injected.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) index: usize,
    pub(super) repetition: u64,
    pub(super) sites: Vec<String>,
    pub(super) plan: Plan,
}

impl Prepared {
    pub(super) fn preview(&self, placed: &Placed) -> PreviewedFault {
        PreviewedFault {
            kind: placed.kind().to_owned(),
            target: placed.target(),
            sites: self.sites.clone(),
            changes: self.plan.changes().cloned().collect(),
            notes: self.plan.notes().map(str::to_owned).collect(),
        }
    }

    /// What it keeps for as long as it is in place: not what it only touches once and cannot undo.
    pub(super) fn kept(&self) -> BTreeSet<String> {
        let is_kept = |step: &&Step| matches!(step.how, How::Reversible { .. });
        let kept = self.plan.steps.iter().filter(is_kept);
        kept.map(|step| step.change.resource.clone()).collect()
    }

    /// What is to be claimed: once per resource, however many steps touch it.
    pub(super) fn resources(&self) -> BTreeSet<String> {
        let claimed = self
            .plan
            .steps
            .iter()
            .filter(|step| !matches!(step.how, How::InProcess(_)));
        claimed.map(|step| step.change.resource.clone()).collect()
    }
}

/// Why a fault could not be prepared.
#[derive(Debug)]
pub(super) enum Unprepared {
    Refused(Vec<Refusal>),
    Log(UndoLogError),
}

impl From<Unprepared> for EngineError {
    fn from(why: Unprepared) -> Self {
        match why {
            Unprepared::Refused(refusals) => Self::Refused(refusals),
            Unprepared::Log(error) => Self::UndoLog(error),
        }
    }
}

/// What the preparation of all faults of a session shares. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Preparing {
    pub(super) shared: Arc<Shared>,
    pub(super) id: InjectionId,
    pub(super) seed: Seed,
    pub(super) protected: Arc<[String]>,
}

impl Preparing {
    /// Plans, claims, and plans again under the claims; nothing is changed.
    pub(super) async fn prepare_claimed(
        &self,
        placed: &Placed,
        index: usize,
        repetition: u64,
        claims: &mut Vec<Claim>,
    ) -> Result<Prepared, Unprepared> {
        let first = self
            .prepare(placed, index, repetition)
            .await
            .map_err(Unprepared::Refused)?;
        if first.resources().is_empty() {
            return Ok(first);
        }
        let taken = self
            .claim(placed, &first, claims)
            .map_err(Unprepared::Log)?;
        if !taken.is_empty() {
            return Err(Unprepared::Refused(taken));
        }
        let second = self
            .prepare(placed, index, repetition)
            .await
            .map_err(Unprepared::Refused)?;
        if !first.plan.same_as(&second.plan) {
            return Err(Unprepared::Refused(vec![Refusal {
                fault: placed.kind().to_owned(),
                target: placed.target(),
                why: RefusalReason::Changed,
            }]));
        }
        let there = self.already_there(placed, &second).await;
        if there.is_empty() {
            Ok(second)
        } else {
            Err(Unprepared::Refused(there))
        }
    }

    /// Resolves and plans one fault; every reason against it is returned at once.
    pub(super) async fn prepare(
        &self,
        placed: &Placed,
        index: usize,
        repetition: u64,
    ) -> Result<Prepared, Vec<Refusal>> {
        let (kind, target) = (placed.kind(), placed.target());
        let refuse = |why| Refusal {
            fault: kind.to_owned(),
            target: target.clone(),
            why,
        };
        let limit = self.shared.step_limit;
        let seed = self.seed.derive(&format!("{index}/{kind}"), repetition);
        let mut cx = self
            .shared
            .context(&self.id, &format!("{index}-{repetition}"), seed);
        cx.others = Arc::clone(&placed.others);

        let protected = |text: &str| {
            self.protected
                .iter()
                .find(|pattern| protects(pattern, text))
        };
        if let Some(word) = protected(&target) {
            return Err(vec![refuse(RefusalReason::Protected(word.clone()))]);
        }
        let sites = guarded(
            &format!("resolve {target}"),
            limit,
            placed.target.sites(&cx),
        )
        .await
        .map_err(|e| vec![refuse(RefusalReason::Plan(e))])?;
        if let (None, Some(one_by), 2..) = (placed.radius, placed.target.one_by(), sites.len()) {
            let sites = sites.iter().map(ToString::to_string).collect();
            return Err(vec![refuse(RefusalReason::Several { sites, one_by })]);
        }
        let radius = placed.radius.unwrap_or_default();
        let sites = radius.choose(sites, seed.derive("sites", 0));
        if sites.is_empty() {
            return Err(vec![refuse(RefusalReason::NoSites)]);
        }

        let mut refusals: Vec<Refusal> = Vec::new();
        for site in &sites {
            if let Some(word) = protected(&site.to_string()) {
                refusals.push(refuse(RefusalReason::Protected(word.clone())));
            }
            for missing in placed.fault.needs(site).missing(site) {
                refusals.push(refuse(RefusalReason::Missing(missing)));
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }

        let plan = guarded(
            &format!("plan {kind}"),
            limit,
            placed.fault.plan(&sites, &cx),
        )
        .await;
        let mut plan = plan.map_err(|e| vec![refuse(RefusalReason::Plan(e))])?;
        if let Some(error) = plan.broken.take() {
            refusals.push(refuse(RefusalReason::Plan(error)));
        } else if plan.steps.is_empty() {
            let why = FaultError::unsupported(&target, "the fault plans no change there");
            refusals.push(refuse(RefusalReason::Plan(why)));
        }
        for step in &plan.steps {
            let change = || step.change.summary.clone();
            let (reach, allowed) = (step.change.reach, placed.reach);
            if reach > allowed {
                refusals.push(refuse(RefusalReason::Reach {
                    change: change(),
                    reach,
                    allowed,
                }));
            }
            match &step.how {
                How::OneWay { why, .. } if !placed.irreversible => {
                    refusals.push(refuse(RefusalReason::Irreversible {
                        change: change(),
                        why,
                    }));
                }
                How::Reversible { undo, .. } => {
                    let (kind, version) = (undo.kind.clone(), undo.version);
                    if !self.shared.registry.knows_undo(&kind, version) {
                        refusals.push(refuse(RefusalReason::NoUndo { kind, version }));
                    } else if let Some(watchdog) = &self.shared.watchdog
                        && let Err(why) = watchdog.can_undo(&kind, version)
                    {
                        refusals.push(refuse(RefusalReason::Watchdog(why)));
                    }
                }
                _ => {}
            }
        }
        if refusals.is_empty() {
            let sites = sites.iter().map(ToString::to_string).collect();
            Ok(Prepared {
                index,
                repetition,
                sites,
                plan,
            })
        } else {
            Err(refusals)
        }
    }

    /// Says which of a plan's changes, or something in their place, are there already.
    pub(super) async fn already_there(&self, placed: &Placed, prepared: &Prepared) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let refuse = |why| Refusal {
            fault: placed.kind().to_owned(),
            target: placed.target(),
            why,
        };
        let cx = self.shared.context(&self.id, "", self.seed);
        for step in &prepared.plan.steps {
            let How::Reversible { undo, .. } = &step.how else {
                continue;
            };
            let change = step.change.summary.clone();
            let look = async {
                self.shared
                    .registry
                    .decode(undo)?
                    .presence_erased(&cx)
                    .await
            };
            match guarded(&format!("look for {change}"), self.shared.step_limit, look).await {
                Ok(Presence::Gone) => {}
                Ok(Presence::InPlace) => {
                    let found = "the same change".to_owned();
                    refusals.push(refuse(RefusalReason::AlreadyThere { change, found }));
                }
                Ok(Presence::Foreign { found }) => {
                    refusals.push(refuse(RefusalReason::AlreadyThere { change, found }));
                }
                Err(error) => refusals.push(refuse(RefusalReason::Plan(error))),
            }
        }
        refusals
    }

    /// Claims what is not claimed yet; says who has the rest.
    fn claim(
        &self,
        placed: &Placed,
        prepared: &Prepared,
        claims: &mut Vec<Claim>,
    ) -> Result<Vec<Refusal>, UndoLogError> {
        let wanted = prepared.resources();
        let missing: Vec<String> = wanted
            .into_iter()
            .filter(|resource| claims.iter().all(|claim| claim.resource() != resource))
            .collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let mut refusals = Vec::new();
        let refuse = |resource: String, by: String| Refusal {
            fault: placed.kind().to_owned(),
            target: placed.target(),
            why: RefusalReason::Taken { resource, by },
        };
        for resource in &missing {
            match Claim::take(&self.shared.dir, resource, self.id.as_str())? {
                Ok(claim) => claims.push(claim),
                Err(by) => refusals.push(refuse(resource.clone(), by)),
            }
        }
        // Claims end with their owner; what it has left behind is in its log.
        let scan = Scan::look(&self.shared.dir)?;
        for resource in missing {
            if let Some(holder) = scan.holder(&resource, &self.id) {
                let by = format!("injection {holder}, which is not recovered");
                refusals.push(refuse(resource, by));
            }
        }
        Ok(refusals)
    }
}
