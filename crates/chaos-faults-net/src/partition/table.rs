//! Making and deleting a table.

use crate::{
    netns::{Inside, NetnsFile, NetnsId, Now, Opened},
    nft::{FoundTable, Nft, Table},
};
use chaos_core::{
    Action, Capability, Change, Context, FaultError, Lifetime, Presence, Reach, Site, Undo, Undone,
    async_trait,
};
use serde::{Deserialize, Serialize};
use std::{io, thread};

/// What the name of every table of ours starts with; see [`Context::mark`].
const OURS: &str = "chaos-";

/// Makes one table in one namespace.
#[derive(Debug)]
pub(crate) struct AddTable {
    netns: NetnsId,
    table: Table,
    change: Change,
}

impl AddTable {
    pub(crate) fn new(netns: NetnsId, table: Table, what: &str, reach: Reach) -> Self {
        let summary = format!("add table inet {} in {netns}: {what}", table.name);
        // The same traffic of one namespace is dropped once; different traffic by as many tables as it takes.
        let resource = format!("{}: {what}", netns.resource());
        Self {
            netns,
            table,
            change: Change::new(summary, resource, reach),
        }
    }
}

#[async_trait]
impl Action for AddTable {
    type Undo = DelTable;

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn undo(&self) -> DelTable {
        DelTable {
            netns: self.netns.clone(),
            table: self.table.name.clone(),
        }
    }

    async fn apply(&self, cx: &Context) -> Result<(), FaultError> {
        let table = self.table.clone();
        let add = move |inside: &Inside| {
            inside.nft()?.add(&table).map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => FaultError::conflict(
                    format!("table inet {}", table.name),
                    "a table of that name",
                ),
                _ => FaultError::host(format!("add table inet {}", table.name), e),
            })
        };
        self.netns.act(cx, add).await
    }
}

/// Deletes one table in one namespace, if both are the ones that were meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DelTable {
    netns: NetnsId,
    table: String,
}

impl DelTable {
    /// Looks. Moves the calling thread into the namespace.
    fn look(&self) -> Result<Now<(Nft, FoundTable)>, FaultError> {
        let name = &self.table;
        if !is_a_mark(name) {
            let found = format!("`{name}`, which is not a name that is given here");
            return Ok(Now::Foreign(found));
        }
        let Some(inside) = self.netns.enter()? else {
            return Ok(Now::Gone);
        };
        let nft = inside.nft()?;
        let found = nft
            .find(name)
            .map_err(|e| FaultError::host(format!("look for table inet {name}"), e))?;
        Ok(match found {
            None => Now::Gone,
            Some(table) if table.is_ours(name) => Now::Ours((nft, table)),
            Some(_) => Now::Foreign(format!("a table inet {name} without our mark")),
        })
    }

    /// How many packets it has dropped or rejected, if it is there.
    fn packets(&self) -> Result<Option<u64>, FaultError> {
        let Now::Ours((nft, _)) = self.look()? else {
            return Ok(None);
        };
        let name = &self.table;
        let packets = nft.packets(name);
        packets
            .map(Some)
            .map_err(|e| FaultError::host(format!("list the rules of table inet {name}"), e))
    }

    fn delete(&self) -> Result<Undone, FaultError> {
        self.look()?
            .undone(|(nft, table)| match nft.delete(&table) {
                Ok(()) => Ok(Undone::Reverted),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Undone::AlreadyGone),
                Err(e) => {
                    let what = format!("delete table inet {} in {}", self.table, self.netns);
                    Err(FaultError::host(what, e))
                }
            })
    }
}

#[async_trait]
impl Undo for DelTable {
    const KIND: &'static str = "net.del_table";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError> {
        let undo = self.clone();
        cx.blocking(move || undo.delete()).await?
    }

    async fn presence(&self, cx: &Context) -> Result<Presence, FaultError> {
        let undo = self.clone();
        let now = cx.blocking(move || undo.look()).await??;
        Ok(now.presence())
    }

    async fn hits(&self, cx: &Context) -> Result<Option<u64>, FaultError> {
        let undo = self.clone();
        cx.blocking(move || undo.packets()).await?
    }
}

/// Whether a name is one that an injection gives: a record with any other was forged.
fn is_a_mark(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.starts_with(OURS) && name.len() <= 64 && name.bytes().all(plain)
}

/// Tries nftables where the fault would be put.
pub(super) fn works(site: &Site) -> Result<(), String> {
    // Without them nothing works, and they are reported on their own.
    if !Capability::NetAdmin.is_held() || !Capability::SysAdmin.is_held() {
        return Ok(());
    }
    let Some(path) = site.netns().map(ToOwned::to_owned) else {
        return Ok(());
    };
    let attempt = thread::spawn(move || {
        let Opened::Namespace(file) = NetnsFile::open(&path)? else {
            // The plan says that the target is gone.
            return Ok(());
        };
        let inside = file.enter()?;
        let nft = inside.nft()?;
        let tried = nft.check().and_then(|()| inside.route.cookie());
        tried
            .map(drop)
            .map_err(|e| FaultError::host("list tables", e))
    });
    match attempt.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(chaos_core::Chain(&error).to_string()),
        Err(_) => Err("the attempt panicked".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_given_here_are_marks() {
        for (name, ours) in [
            ("chaos-18c2f4a9b01-411-0-0-0", true),
            ("filter", false),
            ("", false),
            ("CHAOS-1", false),
            ("chaos-1\0filter", false),
            ("chaos-1/../filter", false),
        ] {
            assert_eq!(is_a_mark(name), ours, "{name:?}");
        }
        assert!(!is_a_mark(&format!("chaos-{}", "x".repeat(300))));
    }

    #[test]
    fn a_record_of_version_1_is_read() {
        let record = r#"{"netns": {"path": "/run/netns/blue", "inode": 4026532281, "cookie": 4097},
                         "table": "chaos-18c2f4a9b01-411-0-0-0"}"#;
        let undo: DelTable = serde_json::from_str(record).unwrap();
        assert_eq!(undo.table, "chaos-18c2f4a9b01-411-0-0-0");
        let again: serde_json::Value = serde_json::from_str(record).unwrap();
        assert_eq!(serde_json::to_value(&undo).unwrap(), again);
    }
}
