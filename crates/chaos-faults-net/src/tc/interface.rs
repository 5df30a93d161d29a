//! Which interface is meant.

use crate::{netlink::Netlink, route::Link};
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// An interface of a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) name: String,
    /// Its number, which no other one of the namespace gets; not known of one that will be made.
    pub(crate) index: Option<u32>,
}

impl Interface {
    pub(crate) fn of(link: &Link) -> Self {
        Self {
            name: link.name.clone(),
            index: Some(link.index),
        }
    }

    /// Its number now, if it is there.
    pub(crate) fn find(&self, route: &Netlink) -> io::Result<Option<u32>> {
        let links = Link::all(route)?;
        let mut links = links.iter();
        let found = match self.index {
            Some(index) => links.find(|link| link.index == index),
            None => links.find(|link| link.name == self.name),
        };
        Ok(found.map(|link| link.index))
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
