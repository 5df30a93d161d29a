//! A table that drops traffic.

use super::{
    expression::{Answer, Expressions, Side},
    message::Ask,
};
use crate::{
    netlink::{Attributes, Request},
    packets::{Packets, Ports, Protocol, Traffic},
    partition::Network,
};

/// A table that drops traffic, with a chain for each direction.
///
/// The chains see packets before connection tracking and address translation on the way in, and after it on the
/// way out, so that an address is the peer's own in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: String,
    /// From and to whom traffic is dropped; empty: everybody.
    pub(crate) networks: Vec<Network>,
    /// Which way.
    pub(crate) traffic: Traffic,
    /// Whether the loopback interface is cut, too.
    pub(crate) loopback: bool,
    /// Which of these packets.
    pub(crate) packets: Packets,
    /// Which share of them, in millionths; `None`: all.
    pub(crate) share: Option<u32>,
    /// Of TCP, only ones that begin a connection.
    pub(crate) new_only: bool,
    /// Whether the sender is told.
    pub(crate) reject: bool,
}

/// What one chain looks at.
struct Hook {
    name: &'static str,
    /// `NF_INET_PRE_ROUTING` or `NF_INET_POST_ROUTING`.
    number: u32,
    /// `NF_INET_LOCAL_IN` or `NF_INET_LOCAL_OUT`, where a packet can be rejected.
    rejecting: u32,
    priority: i32,
    /// `NFT_META_IIF` or `NFT_META_OIF`.
    interface: u32,
    side: Side,
}

const INGRESS: Hook = Hook {
    name: "ingress",
    number: 0,
    rejecting: 1,
    priority: -300,
    interface: 4,
    side: Side::Source,
};

const EGRESS: Hook = Hook {
    name: "egress",
    number: 4,
    rejecting: 3,
    priority: 300,
    interface: 5,
    side: Side::Destination,
};

impl Table {
    /// The messages that make it.
    pub(crate) fn messages(&self) -> Vec<Request> {
        let table = Attributes::new()
            .text(1, &self.name)
            .bytes(6, &Self::mark(&self.name));
        let mut messages = vec![Ask::AddTable.with(&table)];
        for hook in self.hooks() {
            messages.push(Ask::AddChain.with(&self.chain(hook)));
            for rule in self.rules(hook) {
                let rule = Attributes::new()
                    .text(1, &self.name)
                    .text(2, hook.name)
                    .nested(4, rule.as_attributes());
                messages.push(Ask::AddRule.with(&rule));
            }
        }
        messages
    }

    /// What says that a table is ours: a comment, in the form in which `nft` shows it.
    pub(crate) fn mark(name: &str) -> Vec<u8> {
        let comment = format!("{name} is a chaos experiment; undo it with: chaos recover\0");
        let len = u8::try_from(comment.len()).unwrap_or(u8::MAX);
        [&[0, len], comment.as_bytes()].concat()
    }

    fn hooks(&self) -> &'static [&'static Hook] {
        match self.traffic {
            Traffic::Ingress => &[&INGRESS],
            Traffic::Egress => &[&EGRESS],
            Traffic::Both => &[&INGRESS, &EGRESS],
        }
    }

    fn chain(&self, hook: &Hook) -> Attributes {
        let (number, priority) = match self.reject {
            true => (hook.rejecting, 0),
            false => (hook.number, hook.priority),
        };
        let at = Attributes::new()
            .number(1, number)
            .bytes(2, &priority.to_be_bytes());
        Attributes::new()
            .text(1, &self.name)
            .text(3, hook.name)
            .nested(4, &at)
            .text(7, "filter")
    }

    /// Whether TCP has rules of its own: it is rejected in its own way, and alone has connections.
    const fn tcp_apart(&self) -> bool {
        self.reject || self.new_only
    }

    /// What the rules are for.
    fn protocols(&self) -> Vec<Option<Protocol>> {
        match &*self.packets.protocols() {
            [None] if self.tcp_apart() => vec![Some(Protocol::Tcp), None],
            protocols => protocols.to_vec(),
        }
    }

    /// The same for the peers of one network, or for all: what one name stands for in each family.
    fn protocols_of(&self, network: Option<Network>) -> Vec<(Option<Protocol>, Option<bool>)> {
        let is_ipv6 = network.map(|network| network.address().is_ipv6());
        let families = |protocol| match (protocol, is_ipv6) {
            (Some(Protocol::Icmp), None) => vec![Some(false), Some(true)],
            _ => vec![is_ipv6],
        };
        let each = |protocol| families(protocol).into_iter().map(move |v6| (protocol, v6));
        self.protocols().into_iter().flat_map(each).collect()
    }

    /// What goes on in any case: what IPv6 finds its neighbours by, and what the senders of rejected packets are told by; out, and,
    /// where the sender is here, back in through the loopback interface.
    fn spared(&self, hook: &Hook) -> Vec<Expressions> {
        let start = match hook.side {
            Side::Destination => Expressions::default(),
            Side::Source => Expressions::default().loopback(hook.interface),
        };
        let answers = self.reject.then_some(Answer::ALL).into_iter().flatten();
        let answers = answers.map(|answer| start.clone().answers(answer));
        let neighbours = self
            .spares_neighbours()
            .then(|| Expressions::default().finds_neighbours());
        neighbours
            .into_iter()
            .chain(answers)
            .map(Expressions::let_go)
            .collect()
    }

    /// Whether IPv6 goes on finding its neighbours: who says ICMP does not mean that everything of IPv6 is to fail, and who is to
    /// be told has to be found.
    fn spares_neighbours(&self) -> bool {
        self.reject || self.packets.protocol == Some(Protocol::Icmp)
    }

    fn rules(&self, hook: &Hook) -> Vec<Expressions> {
        let start = || match self.loopback {
            true => Expressions::default(),
            false => Expressions::default().not_loopback(hook.interface),
        };
        let ports = |ports: &[Ports]| -> Vec<Option<Ports>> {
            match ports {
                [] => vec![None],
                some => some.iter().copied().map(Some).collect(),
            }
        };
        let networks: Vec<Option<Network>> = match &*self.networks {
            [] => vec![None],
            some => some.iter().copied().map(Some).collect(),
        };
        let remote_side = hook.side;
        let local_side = remote_side.other();
        let mut rules = self.spared(hook);
        for network in networks {
            for (protocol, is_ipv6) in self.protocols_of(network) {
                for local in ports(&self.packets.local_ports) {
                    for remote in ports(&self.packets.remote_ports) {
                        let mut rule = start();
                        if let Some(name) = &self.packets.interface {
                            rule = rule.interface(hook.interface + 2, name);
                        }
                        if let Some(network) = network {
                            rule = rule.address(remote_side, network);
                        }
                        if protocol.is_none() && self.tcp_apart() {
                            rule = rule.not_tcp();
                        }
                        if let Some(protocol) = protocol {
                            rule = rule.protocol(protocol, is_ipv6);
                            if protocol == Protocol::Tcp && self.new_only {
                                rule = rule.begins_a_connection();
                            }
                        }
                        for (side, ports) in [(local_side, local), (remote_side, remote)] {
                            if let Some(ports) = ports {
                                rule = rule.ports(side, ports);
                            }
                        }
                        if let Some(share) = self.share {
                            rule = rule.share(share);
                        }
                        rules.push(match (self.reject, protocol) {
                            (false, _) => rule.drop_packet(),
                            (true, Some(Protocol::Tcp)) => rule.reset_connection(),
                            (true, _) => rule.reject_packet(),
                        });
                    }
                }
            }
        }
        rules
    }
}
