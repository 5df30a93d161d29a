//! Queueing disciplines, their classes and filters.

use crate::netlink::{Attributes, Netlink, Request, find, flags};
use std::{fmt, io};

/// `RTM_NEWQDISC`, `RTM_DELQDISC`, `RTM_GETQDISC`, `RTM_NEWTCLASS`, `RTM_NEWTFILTER`.
const NEW: u16 = 36;
const DEL: u16 = 37;
const GET: u16 = 38;
const NEW_CLASS: u16 = 40;
const NEW_FILTER: u16 = 44;
/// `struct tcmsg`.
const HEADER: usize = 20;
/// `TCA_KIND`, `TCA_OPTIONS`, `TCA_STATS2` with `TCA_STATS_BASIC` and `TCA_STATS_QUEUE`, `TCA_INGRESS_BLOCK`.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS: u16 = 7;
const STATS_BASIC: u16 = 1;
const STATS_QUEUE: u16 = 3;
const INGRESS_BLOCK: u16 = 13;
/// `TCM_IFINDEX_MAGIC_BLOCK`.
const BLOCK: u32 = u32::MAX;

/// What a queue, a class or a filter hangs on, or is: a major and a minor number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle(pub(crate) u32);

impl Handle {
    /// `TC_H_ROOT`: what goes out of an interface.
    pub(crate) const ROOT: Self = Self(0xffff_ffff);
    /// `TC_H_INGRESS`: what comes in.
    pub(crate) const INGRESS: Self = Self(0xffff_fff1);
    /// Of the queue for what comes in, which everybody gets.
    pub(crate) const INGRESS_QUEUE: Self = Self(0xffff_0000);

    /// A queue.
    pub(crate) const fn queue(major: u16) -> Self {
        Self((major as u32) << 16)
    }

    /// A class of a queue.
    pub(crate) const fn class(self, minor: u16) -> Self {
        Self(self.0 | minor as u32)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = (self.0 >> 16, self.0 & 0xffff);
        match minor {
            0 => write!(f, "{major:x}:"),
            minor => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// A queueing discipline that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) index: u32,
    pub(crate) handle: Handle,
    pub(crate) parent: Handle,
    pub(crate) kind: String,
    /// How many packets wait in it.
    pub(crate) waiting: u32,
    /// How many packets came to it: sent, dropped, or waiting.
    pub(crate) packets: u64,
    /// How many of them it dropped.
    pub(crate) dropped: u64,
    /// The block of filters for what comes in, if it has one.
    pub(crate) block: u32,
}

impl Queue {
    /// The queues of one interface.
    pub(crate) fn of(route: &Netlink, index: u32) -> io::Result<Vec<Self>> {
        let mut queues = Vec::new();
        let all = header(0, Handle(0), Handle(0), 0);
        route.ask(&[Request::list(GET, all)], |kind, body| {
            if kind == NEW {
                queues.extend(Self::read(body).filter(|queue| queue.index == index));
            }
        })?;
        Ok(queues)
    }

    /// The options of the queue with this handle, as the kernel tells them.
    pub(crate) fn options(
        route: &Netlink,
        index: u32,
        handle: Handle,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut options = None;
        let all = header(0, Handle(0), Handle(0), 0);
        route.ask(&[Request::list(GET, all)], |kind, body| {
            let queue = Self::read(body).filter(|_| kind == NEW);
            if queue.is_some_and(|queue| queue.index == index && queue.handle == handle) {
                options = find(&body[HEADER..], OPTIONS).map(<[u8]>::to_vec);
            }
        })?;
        Ok(options)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let word =
            |bytes: &[u8], at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let attributes = body.get(HEADER..)?;
        let kind = find(attributes, KIND)?;
        let kind = kind.strip_suffix(&[0]).unwrap_or(kind);
        let stats = find(attributes, STATS).unwrap_or_default();
        let number = |kind, at| find(stats, kind).and_then(|of| word(of, at)).unwrap_or(0);
        // After the 64 bits of bytes; the queue's numbers are waiting, backlog, drops.
        let (sent, waiting) = (number(STATS_BASIC, 8), number(STATS_QUEUE, 0));
        let dropped = number(STATS_QUEUE, 8);
        Some(Self {
            index: word(body, 4)?,
            handle: Handle(word(body, 8)?),
            parent: Handle(word(body, 12)?),
            kind: String::from_utf8_lossy(kind).into_owned(),
            waiting,
            packets: u64::from(sent) + u64::from(dropped) + u64::from(waiting),
            dropped: dropped.into(),
            block: find(attributes, INGRESS_BLOCK)
                .and_then(|block| word(block, 0))
                .unwrap_or(0),
        })
    }

    /// The request that makes a queue, which must not be there.
    pub(crate) fn add(
        index: u32,
        parent: Handle,
        handle: Handle,
        kind: &str,
        options: &[u8],
    ) -> Request {
        let attributes = Attributes::new().text(KIND, kind).bytes(OPTIONS, options);
        Request::act(
            NEW,
            flags::CREATE | flags::EXCL,
            body(header(index, handle, parent, 0), &attributes),
        )
    }

    /// The request that makes the queue for what comes in, with a block of filters of its own.
    pub(crate) fn add_ingress(index: u32, block: u32) -> Request {
        let attributes = Attributes::new()
            .text(KIND, "ingress")
            .bytes(OPTIONS, &[])
            .native(INGRESS_BLOCK, block);
        let header = header(index, Handle::INGRESS_QUEUE, Handle::INGRESS, 0);
        Request::act(NEW, flags::CREATE | flags::EXCL, body(header, &attributes))
    }

    /// The request that gives an existing queue other options.
    pub(crate) fn change(
        index: u32,
        parent: Handle,
        handle: Handle,
        kind: &str,
        options: &[u8],
    ) -> Request {
        let attributes = Attributes::new().text(KIND, kind).bytes(OPTIONS, options);
        Request::act(NEW, 0, body(header(index, handle, parent, 0), &attributes))
    }

    /// The request that removes a queue with everything that hangs on it. A handle of 0 would remove anybody's.
    pub(crate) fn delete(index: u32, parent: Handle, handle: Handle) -> Request {
        Request::act(DEL, 0, header(index, handle, parent, 0))
    }

    /// The request that makes a class.
    pub(crate) fn add_class(
        index: u32,
        parent: Handle,
        class: Handle,
        kind: &str,
        options: &[u8],
    ) -> Request {
        let attributes = Attributes::new().text(KIND, kind).bytes(OPTIONS, options);
        Request::act(
            NEW_CLASS,
            flags::CREATE | flags::EXCL,
            body(header(index, class, parent, 0), &attributes),
        )
    }

    /// The request that adds a filter to a queue. Filters of a lower `priority` are asked first; those of one
    /// priority are of one `protocol` (an Ethernet type).
    pub(crate) fn add_filter(
        index: u32,
        parent: Handle,
        (priority, protocol): (u16, u16),
        options: &[u8],
    ) -> Request {
        let info = u32::from(priority) << 16 | u32::from(protocol.to_be());
        let attributes = Attributes::new().text(KIND, "u32").bytes(OPTIONS, options);
        Request::act(
            NEW_FILTER,
            flags::CREATE | flags::EXCL,
            body(header(index, Handle(0), parent, info), &attributes),
        )
    }

    /// The request that adds a filter to a block.
    pub(crate) fn add_block_filter(block: u32, order: (u16, u16), options: &[u8]) -> Request {
        Self::add_filter(BLOCK, Handle(block), order, options)
    }
}

fn header(index: u32, handle: Handle, parent: Handle, info: u32) -> Vec<u8> {
    let mut header = vec![0; 4];
    for word in [index, handle.0, parent.0, info] {
        header.extend(word.to_ne_bytes());
    }
    header
}

fn body(header: Vec<u8>, attributes: &Attributes) -> Vec<u8> {
    [header.as_slice(), attributes.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_from_its_bytes() {
        let numbers = Attributes::new()
            .bytes(STATS_BASIC, &[1, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0])
            .bytes(STATS_QUEUE, &[3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0]);
        let attributes = Attributes::new()
            .text(KIND, "netem")
            .nested(STATS, &numbers)
            .native(INGRESS_BLOCK, 12345);
        let header = header(2, Handle::queue(0xc4a0), Handle::ROOT, 2);
        let bytes = body(header, &attributes);
        let queue = Queue::read(&bytes).unwrap();
        assert_eq!(
            (queue.index, queue.handle, queue.parent, &*queue.kind),
            (2, Handle(0xc4a0_0000), Handle::ROOT, "netem")
        );
        assert_eq!((queue.waiting, queue.packets, queue.block), (3, 12, 12345));
        assert_eq!(queue.dropped, 2);
        assert_eq!(Queue::read(&bytes[..22]), None);
    }

    #[test]
    fn handles_read_as_tc_writes_them() {
        assert_eq!(Handle::queue(0xc4a0).to_string(), "c4a0:");
        assert_eq!(Handle::queue(0xc4a0).class(4).to_string(), "c4a0:4");
    }
}
