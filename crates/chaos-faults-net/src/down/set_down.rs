//! Setting an interface down, and up again with what it had.

use crate::{
    netns::{Inside, NetnsId, Now, Space},
    route::{Kept, Link},
};
use chaos_core::{
    Action, Change, Context, FaultError, Lifetime, Presence, Reach, Undo, Undone, async_trait,
};
use serde::{Deserialize, Serialize};
use std::{
    io, thread,
    time::{Duration, Instant},
};

/// Sets an interface down.
#[derive(Debug)]
pub(super) struct SetDown {
    undo: SetUp,
    reach: Reach,
}

impl SetDown {
    /// Looks at what the interface has.
    pub(super) async fn plan(space: Space, name: &str, cx: &Context) -> Result<Self, FaultError> {
        let (what, name) = (space.of.clone(), name.to_owned());
        let look = move |inside: Option<&Inside>| {
            let Some(inside) = inside else {
                return Err(FaultError::no_target(what, "its network namespace is gone"));
            };
            let failed = |e| FaultError::host("list the network interfaces", e);
            let all = Link::all(&inside.route).map_err(failed)?;
            let link = Link::wanted(&all, &name, &what)?;
            let had = Kept::of(&inside.route, link.index)
                .map_err(|e| FaultError::host(format!("list the routes through {name}"), e))?;
            Ok((name, link.index, link.operation, had))
        };
        let (name, index, operation, had) = space.netns.look(cx, look).await?;
        Ok(Self {
            undo: SetUp {
                netns: space.netns,
                name,
                index,
                operation,
                had,
            },
            reach: space.reach,
        })
    }
}

#[async_trait]
impl Action for SetDown {
    type Undo = SetUp;

    fn change(&self) -> Change {
        let SetUp {
            netns, name, had, ..
        } = &self.undo;
        let count = |which: fn(&Kept) -> bool| had.iter().filter(|kept| which(kept)).count();
        let routes = count(|kept| matches!(kept, Kept::Route(_)));
        let addresses = count(|kept| matches!(kept, Kept::Address(_)));
        let neighbours = count(|kept| matches!(kept, Kept::Neighbour(_)));
        Change::new(
            format!(
                "set interface {name} down in {netns}; with it {routes} routes, {addresses} IPv6 addresses and \
                 {neighbours} neighbours that were set go"
            ),
            format!("{}: interface {name}", netns.resource()),
            self.reach,
        )
    }

    fn undo(&self) -> SetUp {
        self.undo.clone()
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let (name, index) = (self.undo.name.clone(), self.undo.index);
        let set = move |inside: &Inside| {
            Link::set(&inside.route, index, None, false)
                .map_err(|e| FaultError::host(format!("set interface {name} down"), e))
        };
        self.undo.netns.act(cx, set).await
    }
}

/// Sets an interface up, and puts back what it had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SetUp {
    netns: NetnsId,
    name: String,
    index: u32,
    /// The state that it was in.
    operation: u8,
    had: Vec<Kept>,
}

impl SetUp {
    /// How long a carrier may take.
    const CARRIER: Duration = Duration::from_secs(3);

    /// The namespace and what it has lost, if it is down or has lost something.
    fn look<'a>(
        &self,
        inside: Option<&'a Inside>,
    ) -> Result<Now<(&'a Inside, Vec<Kept>)>, FaultError> {
        let Some(inside) = inside else {
            return Ok(Now::Gone);
        };
        let failed = |e: io::Error| FaultError::host(format!("look at {}", self.name), e);
        let all = Link::all(&inside.route).map_err(failed)?;
        let Some(link) = all.iter().find(|link| link.index == self.index) else {
            return Ok(Now::Gone);
        };
        let has = Kept::of(&inside.route, self.index).map_err(failed)?;
        let lost: Vec<Kept> = self
            .had
            .iter()
            .filter(|had| had.is_of(self.index) && !had.is_in(&has))
            .cloned()
            .collect();
        Ok(match link.is_up && lost.is_empty() {
            true => Now::Gone,
            false => Now::Ours((inside, lost)),
        })
    }

    /// Waits until it is in the state that it was in: a carrier takes its time. One that does not come is not ours.
    fn wait(&self, inside: &Inside) {
        let start = Instant::now();
        let is_back = || {
            let all = Link::all(&inside.route).unwrap_or_default();
            let link = all.iter().find(|link| link.index == self.index);
            link.is_none_or(|link| link.operation == self.operation)
        };
        while start.elapsed() < Self::CARRIER && !is_back() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn put_back(&self, inside: Option<&Inside>) -> Result<Undone, FaultError> {
        self.look(inside)?.undone(|(inside, _)| {
            Link::set(&inside.route, self.index, None, true)
                .map_err(|e| FaultError::host(format!("set interface {} up", self.name), e))?;
            self.wait(inside);
            // Some of it comes by itself.
            if let Now::Ours((_, lost)) = self.look(Some(inside))? {
                // One that cannot be put back costs no other.
                let tried: Vec<io::Result<()>> = lost
                    .iter()
                    .map(|lost| lost.put_back(&inside.route))
                    .collect();
                tried
                    .into_iter()
                    .collect::<io::Result<()>>()
                    .map_err(|e| FaultError::host(format!("put back what {} had", self.name), e))?;
            }
            Ok(Undone::Reverted)
        })
    }
}

#[async_trait]
impl Undo for SetUp {
    const KIND: &'static str = "net.set_up";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let undo = self.clone();
        self.netns
            .look(cx, move |inside| undo.put_back(inside))
            .await
    }

    async fn presence(&self, cx: &Context) -> Result<Presence, FaultError> {
        let undo = self.clone();
        self.netns
            .look(cx, move |inside| Ok(undo.look(inside)?.presence()))
            .await
    }
}
