//! Putting a queue of ours on an interface, and taking it away.

use super::{
    interface::Interface,
    leaf::{ActsOn, Drain, Leaf},
    mark::is_a_queue_of_ours,
    matching::Match,
    netem,
    split::Split,
};
use crate::{
    netlink::Request,
    netns::{Inside, NetnsId, Now},
    route::{Handle, Queue},
};
use chaos_core::{
    Action, Change, Context, FaultError, Lifetime, Presence, Reach, Undo, Undone, async_trait,
};
use serde::{Deserialize, Serialize};
use std::{
    io, thread,
    time::{Duration, Instant},
};

/// Puts a queue on an interface: for all that goes out, or, below a queue with classes, for what filters name.
#[derive(Debug, Clone)]
pub(super) struct AddTree {
    pub(super) netns: NetnsId,
    pub(super) interface: Interface,
    /// The number of its root; that of the leaf, if it is another one, comes after it.
    pub(super) major: u16,
    pub(super) leaf: Leaf,
    pub(super) seed: u64,
    pub(super) filtered: Option<(Split, Vec<Match>)>,
    /// What it does to which packets, in words.
    pub(super) what: String,
    pub(super) reach: Reach,
}

impl AddTree {
    fn root_kind(&self) -> &'static str {
        match &self.filtered {
            Some((split, _)) => split.kind(),
            None => self.leaf.kind(),
        }
    }

    /// Where the leaf hangs, and what it is.
    fn leaf(&self) -> (Handle, Handle) {
        let root = Handle::queue(self.major);
        match &self.filtered {
            Some((split, _)) => (split.class(root), Handle::queue(self.major + 1)),
            None => (Handle::ROOT, root),
        }
    }

    fn requests(&self, index: u32) -> Vec<Request> {
        let root = Handle::queue(self.major);
        let mut requests = Vec::new();
        if let Some((split, _)) = &self.filtered {
            requests.extend(split.add(index, root));
        }
        let (parent, handle) = self.leaf();
        let options = self.leaf.options(self.seed);
        requests.push(Queue::add(
            index,
            parent,
            handle,
            self.leaf.kind(),
            &options,
        ));
        if let Some((split, matches)) = &self.filtered {
            let class = split.class(root).0;
            let filters = matches
                .iter()
                .map(|one| Queue::add_filter(index, root, one.order(), &one.to_class(class)));
            requests.extend(filters);
        }
        requests
    }
}

#[async_trait]
impl Action for AddTree {
    type Undo = DelTree;

    fn change(&self) -> Change {
        let Self {
            netns, interface, ..
        } = self;
        let root = Handle::queue(self.major);
        Change::new(
            format!(
                "add queue {} {root} to {interface} in {netns}: {}",
                self.root_kind(),
                self.what
            ),
            format!("{}: root queue of {interface}", netns.resource()),
            self.reach,
        )
    }

    fn undo(&self) -> DelTree {
        let (parent, handle) = self.leaf();
        DelTree {
            netns: self.netns.clone(),
            interface: self.interface.clone(),
            kind: self.root_kind().to_owned(),
            major: self.major,
            drain: self.leaf.drain().map(|drain| (parent.0, handle.0, drain)),
            acts_on: self.leaf.acts_on(),
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let interface = self.interface.clone();
        let kind = self.root_kind();
        let this = self.clone();
        let add = move |inside: &Inside| {
            let failed = |e: io::Error| match e.kind() {
                io::ErrorKind::AlreadyExists => {
                    FaultError::conflict(format!("root queue of {interface}"), "another queue")
                }
                _ => FaultError::host(format!("add queue {kind} to {interface}"), e),
            };
            let index = interface.find(&inside.route).map_err(failed)?;
            let index = index.ok_or_else(|| {
                FaultError::no_target(format!("interface {interface}"), "it is gone")
            })?;
            for request in this.requests(index) {
                inside.route.ask(&[request], |_, _| {}).map_err(failed)?;
            }
            Ok(())
        };
        self.netns.act(cx, add).await
    }
}

/// Takes a queue of ours from an interface, with everything that hangs on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DelTree {
    netns: NetnsId,
    interface: Interface,
    kind: String,
    major: u16,
    /// The queue in which packets are under way: where it hangs, its number, and for how long.
    drain: Option<(u32, u32, Drain)>,
    /// Which packets it has acted on.
    #[serde(default)]
    acts_on: ActsOn,
}

impl DelTree {
    /// How often it is looked whether a queue is empty.
    const LOOK: Duration = Duration::from_millis(5);

    /// The namespace and the number of the interface, if it is ours.
    fn look<'a>(&self, inside: Option<&'a Inside>) -> Result<Now<(&'a Inside, u32)>, FaultError> {
        let root = Handle::queue(self.major);
        if !is_a_queue_of_ours(self.major) {
            let found = format!("{root}, which is not a number that is given here");
            return Ok(Now::Foreign(found));
        }
        let Some(inside) = inside else {
            return Ok(Now::Gone);
        };
        let failed = |e| FaultError::host(format!("look at the queues of {}", self.interface), e);
        let Some(index) = self.interface.find(&inside.route).map_err(failed)? else {
            return Ok(Now::Gone);
        };
        let queues = Queue::of(&inside.route, index).map_err(failed)?;
        // The kernel's own default has the number 0.
        let theirs = |queue: &&Queue| queue.parent == Handle::ROOT && queue.handle != Handle(0);
        Ok(match queues.iter().find(theirs) {
            None => Now::Gone,
            Some(queue) if queue.handle == root && queue.kind == self.kind => {
                Now::Ours((inside, index))
            }
            Some(queue) => Now::Foreign(format!("a root queue {} {}", queue.kind, queue.handle)),
        })
    }

    fn delete(&self, inside: Option<&Inside>) -> Result<Undone, FaultError> {
        self.look(inside)?.undone(|(inside, index)| {
            self.deliver(inside, index);
            let delete = Queue::delete(index, Handle::ROOT, Handle::queue(self.major));
            match inside.route.ask(&[delete], |_, _| {}) {
                Ok(()) => Ok(Undone::Reverted),
                // Somebody was faster, or it is somebody else's by now.
                Err(e) => self.look(Some(inside))?.undone(|_| {
                    let what = format!("remove queue {} from {}", self.kind, self.interface);
                    Err(FaultError::host(what, e))
                }),
            }
        })
    }

    /// How many packets it has acted on, if it is there and counts them.
    fn packets(&self, inside: Option<&Inside>) -> Result<Option<u64>, FaultError> {
        if self.acts_on == ActsOn::Unknown {
            return Ok(None);
        }
        let Now::Ours((inside, index)) = self.look(inside)? else {
            return Ok(None);
        };
        let queues = Queue::of(&inside.route, index).map_err(|e| {
            FaultError::host(format!("look at the queues of {}", self.interface), e)
        })?;
        // Below a queue with classes it has the next number.
        let [leaf, root] = [self.major.saturating_add(1), self.major]
            .map(|major| queues.iter().find(|q| q.handle == Handle::queue(major)));
        Ok(leaf.or(root).map(|queue| match self.acts_on {
            ActsOn::Lost => queue.dropped,
            _ => queue.packets,
        }))
    }

    /// Lets what is under way arrive. New packets are not held up any more, so the fault is over for them.
    fn deliver(&self, inside: &Inside, index: u32) {
        let Some((parent, handle, drain)) = self.drain else {
            return;
        };
        let (parent, handle) = (Handle(parent), Handle(handle));
        let change = Queue::change(index, parent, handle, "netem", &netem::nothing());
        // What cannot be changed is removed as it is.
        if inside.route.ask(&[change], |_, _| {}).is_err() {
            return;
        }
        let start = Instant::now();
        let waiting = || {
            let queues = Queue::of(&inside.route, index).unwrap_or_default();
            queues.iter().any(|q| q.handle == handle && q.waiting > 0)
        };
        while start.elapsed() < drain.longest && waiting() {
            thread::sleep(Self::LOOK);
        }
    }
}

#[async_trait]
impl Undo for DelTree {
    const KIND: &'static str = "net.del_queue";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let undo = self.clone();
        self.netns.look(cx, move |inside| undo.delete(inside)).await
    }

    async fn presence(&self, cx: &Context) -> Result<Presence, FaultError> {
        let undo = self.clone();
        self.netns
            .look(cx, move |inside| Ok(undo.look(inside)?.presence()))
            .await
    }

    async fn hits(&self, cx: &Context) -> Result<Option<u64>, FaultError> {
        let undo = self.clone();
        self.netns
            .look(cx, move |inside| undo.packets(inside))
            .await
    }
}
