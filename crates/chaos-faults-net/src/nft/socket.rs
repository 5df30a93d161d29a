//! Talking to the kernel's nftables.

use super::{message::Ask, table::Table};
use crate::netlink::{Attributes, Family, Netlink, Request, each, find};
use std::io;

/// How many packets the counters among these expressions have counted.
fn counted(expressions: &[u8]) -> u64 {
    // NFTA_LIST_ELEM with NFTA_EXPR_NAME and NFTA_EXPR_DATA; NFTA_COUNTER_PACKETS.
    let counters = each(expressions).filter_map(|(_, expression)| {
        find(expression, 1).filter(|name| is_text(name, "counter"))?;
        let packets = find(find(expression, 2)?, 2)?;
        Some(u64::from_be_bytes(*packets.first_chunk()?))
    });
    counters.sum()
}

/// Whether an attribute is this text, which ends with a zero.
fn is_text(value: &[u8], text: &str) -> bool {
    value.strip_suffix(&[0]) == Some(text.as_bytes())
}

/// nftables of one network namespace: the one in which the socket was opened, wherever it is used later.
#[derive(Debug)]
pub(crate) struct Nft(Netlink);

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundTable {
    /// Its handle: no other table of the namespace ever gets it.
    handle: Vec<u8>,
    /// What its maker wrote to it.
    mark: Option<Vec<u8>>,
}

impl FoundTable {
    /// Whether it carries our mark. (Linux keeps marks since 5.10, and cookies, which we need, since 5.14.)
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        self.mark.as_deref() == Some(&Table::mark(name)[..])
    }
}

impl Nft {
    /// Of the namespace that the calling thread is in.
    pub(crate) fn open() -> io::Result<Self> {
        Netlink::open(Family::Netfilter).map(Self)
    }

    /// Makes a table, all of it or nothing. Fails with `AlreadyExists` when there is one of that name.
    pub(crate) fn add(&self, table: &Table) -> io::Result<()> {
        self.change(table.messages())
    }

    /// The table of this name.
    pub(crate) fn find(&self, name: &str) -> io::Result<Option<FoundTable>> {
        let mut table = None;
        let asked = self.0.ask(
            &[Ask::FindTable.with(&Attributes::new().text(1, name))],
            |kind, body| {
                let attributes = body.get(Ask::HEADER..).unwrap_or_default();
                if kind == Ask::TABLE
                    && let Some(handle) = find(attributes, 4)
                {
                    table = Some(FoundTable {
                        handle: handle.to_vec(),
                        mark: find(attributes, 6).map(<[u8]>::to_vec),
                    });
                }
            },
        );
        match asked {
            Ok(()) => Ok(table),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// How many packets the rules of a table have counted.
    pub(crate) fn packets(&self, name: &str) -> io::Result<u64> {
        let mut packets = 0;
        let of_table = Attributes::new().text(1, name);
        self.0
            .ask(&[Ask::ListRules.with(&of_table)], |kind, body| {
                let attributes = body.get(Ask::HEADER..).unwrap_or_default();
                if kind == Ask::RULE && find(attributes, 1).is_some_and(|of| is_text(of, name)) {
                    packets += counted(find(attributes, 4).unwrap_or_default());
                }
            })?;
        Ok(packets)
    }

    /// Removes this very table with everything in it.
    pub(crate) fn delete(&self, table: &FoundTable) -> io::Result<()> {
        let handle = Attributes::new().bytes(4, &table.handle);
        self.change(vec![Ask::DeleteTable.with(&handle)])
    }

    /// Lists the tables, to see that it can be done.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.0
            .ask(&[Ask::ListTables.with(&Attributes::new())], |_, _| {})
    }

    /// Makes all changes or none.
    fn change(&self, changes: Vec<Request>) -> io::Result<()> {
        let none = Attributes::new();
        let mut batch = vec![Ask::BatchBegin.with(&none)];
        batch.extend(changes);
        batch.push(Ask::BatchEnd.with(&none));
        self.0.ask(&batch, |_, _| {})
    }
}
