//! Leading what comes in at an interface to a device with a queue of ours, and no longer.

use super::{interface::Interface, mark::is_a_block_of_ours, matching::Match};
use crate::{
    netns::{Inside, NetnsId, Now},
    route::{Handle, Link, Queue},
};
use chaos_core::{
    Action, Change, Context, FaultError, Lifetime, Presence, Reach, Undo, Undone, async_trait,
};
use serde::{Deserialize, Serialize};
use std::io;

/// Makes the ingress queue of an interface, with filters that lead to a device of ours.
#[derive(Debug)]
pub(super) struct AddIngress {
    pub(super) netns: NetnsId,
    pub(super) interface: Interface,
    /// The number of its block of filters, which says that it is ours.
    pub(super) block: u32,
    /// The device that it leads to.
    pub(super) to: String,
    pub(super) matches: Vec<Match>,
    /// Which packets, in words.
    pub(super) what: String,
    pub(super) reach: Reach,
}

#[async_trait]
impl Action for AddIngress {
    type Undo = DelIngress;

    fn change(&self) -> Change {
        let Self {
            netns,
            interface,
            to,
            what,
            ..
        } = self;
        Change::new(
            format!(
                "add queue ingress to {interface} in {netns}: lead {what} that come in to {to}"
            ),
            format!("{}: ingress of {interface}", netns.resource()),
            self.reach,
        )
    }

    fn undo(&self) -> DelIngress {
        DelIngress {
            netns: self.netns.clone(),
            interface: self.interface.clone(),
            block: self.block,
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let (interface, block) = (self.interface.clone(), self.block);
        let (to, matches) = (self.to.clone(), self.matches.clone());
        let add = move |inside: &Inside| {
            let route = &inside.route;
            let failed = |e: io::Error| match e.kind() {
                io::ErrorKind::AlreadyExists => {
                    FaultError::conflict(format!("ingress of {interface}"), "a queue")
                }
                _ => FaultError::host(format!("add queue ingress to {interface}"), e),
            };
            let gone =
                |what: &str| FaultError::no_target(format!("interface {what}"), "it is gone");
            let index = interface.find(route).map_err(failed)?;
            let index = index.ok_or_else(|| gone(&interface.name))?;
            let device = Link::named(route, &to).map_err(failed)?;
            let device = device.ok_or_else(|| gone(&to))?.index;
            let mut requests = vec![Queue::add_ingress(index, block)];
            let filters = matches
                .iter()
                .map(|one| Queue::add_block_filter(block, one.order(), &one.to_interface(device)));
            requests.extend(filters);
            for request in requests {
                route.ask(&[request], |_, _| {}).map_err(failed)?;
            }
            Ok(())
        };
        self.netns.act(cx, add).await
    }
}

/// Removes the ingress queue of an interface, if it is ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DelIngress {
    netns: NetnsId,
    interface: Interface,
    block: u32,
}

impl DelIngress {
    /// The namespace and the number of the interface, if it is ours.
    fn look<'a>(&self, inside: Option<&'a Inside>) -> Result<Now<(&'a Inside, u32)>, FaultError> {
        if !is_a_block_of_ours(self.block) {
            let found = format!(
                "block {}, which is not a number that is given here",
                self.block
            );
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
        Ok(
            match queues.iter().find(|queue| queue.parent == Handle::INGRESS) {
                None => Now::Gone,
                Some(queue) if queue.kind == "ingress" && queue.block == self.block => {
                    Now::Ours((inside, index))
                }
                Some(queue) => Now::Foreign(format!("a queue {} for what comes in", queue.kind)),
            },
        )
    }

    fn delete(&self, inside: Option<&Inside>) -> Result<Undone, FaultError> {
        self.look(inside)?.undone(|(inside, index)| {
            let delete = Queue::delete(index, Handle::INGRESS, Handle::INGRESS_QUEUE);
            let what = format!("remove queue ingress from {}", self.interface);
            inside
                .route
                .ask(&[delete], |_, _| {})
                .map(|()| Undone::Reverted)
                .map_err(|e| FaultError::host(what, e))
        })
    }
}

#[async_trait]
impl Undo for DelIngress {
    const KIND: &'static str = "net.del_ingress";
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
}
