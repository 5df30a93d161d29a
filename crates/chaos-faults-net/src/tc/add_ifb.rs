//! Making and removing the device that gives what comes in a queue of its own.

use super::mark::is_a_device_of_ours;
use crate::{
    netns::{Inside, NetnsId, Now},
    route::{IFB, Link},
};
use chaos_core::{
    Action, Change, Context, FaultError, Lifetime, Presence, Reach, Undo, Undone, async_trait,
};
use serde::{Deserialize, Serialize};
use std::io;

/// Makes a device `ifb`.
#[derive(Debug)]
pub(super) struct AddIfb {
    pub(super) netns: NetnsId,
    pub(super) name: String,
    /// What is written to it, for people.
    pub(super) mark: String,
    pub(super) reach: Reach,
}

#[async_trait]
impl Action for AddIfb {
    type Undo = DelIfb;

    fn change(&self) -> Change {
        let Self { netns, name, .. } = self;
        Change::new(
            format!("add device {name} (ifb) in {netns}"),
            format!("{}: device {name}", netns.resource()),
            self.reach,
        )
    }

    fn undo(&self) -> DelIfb {
        DelIfb {
            netns: self.netns.clone(),
            name: self.name.clone(),
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let (name, mark) = (self.name.clone(), self.mark.clone());
        let add = move |inside: &Inside| {
            let failed = |e: io::Error| match e.kind() {
                io::ErrorKind::AlreadyExists => {
                    FaultError::conflict(format!("device {name}"), "a device of that name")
                }
                _ => FaultError::host(format!("add device {name}"), e),
            };
            Link::add(&inside.route, IFB, &name).map_err(failed)?;
            let found = Link::named(&inside.route, &name).map_err(failed)?;
            let index = found.ok_or_else(|| FaultError::no_target(&name, "it is gone at once"))?;
            Link::set(&inside.route, index.index, Some(&mark), true).map_err(failed)
        };
        self.netns.act(cx, add).await
    }
}

/// Removes a device `ifb` of ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DelIfb {
    netns: NetnsId,
    name: String,
}

impl DelIfb {
    /// The namespace and the number of the device, if it is ours.
    fn look<'a>(&self, inside: Option<&'a Inside>) -> Result<Now<(&'a Inside, u32)>, FaultError> {
        if !is_a_device_of_ours(&self.name) {
            let found = format!("`{}`, which is not a name that is given here", self.name);
            return Ok(Now::Foreign(found));
        }
        let Some(inside) = inside else {
            return Ok(Now::Gone);
        };
        let found = Link::named(&inside.route, &self.name)
            .map_err(|e| FaultError::host(format!("look for device {}", self.name), e))?;
        Ok(match found {
            None => Now::Gone,
            Some(link) if link.kind == IFB => Now::Ours((inside, link.index)),
            Some(link) => Now::Foreign(format!("a device {} of kind `{}`", link.name, link.kind)),
        })
    }

    fn delete(&self, inside: Option<&Inside>) -> Result<Undone, FaultError> {
        self.look(inside)?.undone(|(inside, index)| {
            Link::delete(&inside.route, index)
                .map(|()| Undone::Reverted)
                .map_err(|e| FaultError::host(format!("remove device {}", self.name), e))
        })
    }
}

#[async_trait]
impl Undo for DelIfb {
    const KIND: &'static str = "net.del_ifb";
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
