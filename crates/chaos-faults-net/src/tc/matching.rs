//! Filters: which packets go to a queue of ours, as `u32` reads them.

use crate::{
    netlink::Attributes,
    packets::{Packets, Ports, Protocol},
    partition::Network,
};
use chaos_core::FaultError;
use std::net::IpAddr;

/// `TCA_U32_CLASSID`, `TCA_U32_SEL`, `TCA_U32_ACT`.
const CLASS: u16 = 1;
const SELECTOR: u16 = 5;
const ACTIONS: u16 = 7;
/// `TC_U32_TERMINAL`.
const TERMINAL: u8 = 1;
/// `TCA_ACT_KIND`, `TCA_ACT_OPTIONS`; `TCA_MIRRED_PARMS`.
const ACTION_KIND: u16 = 1;
const ACTION_OPTIONS: u16 = 2;
const MIRRED_PARAMETERS: u16 = 2;
/// `TC_ACT_STOLEN`, `TCA_EGRESS_REDIR`.
const STOLEN: u32 = 4;
const EGRESS_REDIRECT: u32 = 1;
/// Ethernet types: `ETH_P_ALL`, `ETH_P_IP`, `ETH_P_IPV6`.
const ANY: u16 = 0x0003;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// More filters than this are no filters: they are asked one after the other for each packet.
const MOST: usize = 256;

/// Which way the packets go: at which end of them the other host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Out,
    In,
}

/// One filter: all of its keys must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    ethernet: u16,
    keys: Vec<Key>,
}

/// A word of the packet's network header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    at: i32,
    mask: u32,
    value: u32,
}

impl Match {
    /// Every packet.
    pub(crate) fn all() -> Vec<Self> {
        vec![Self {
            ethernet: ANY,
            keys: Vec::new(),
        }]
    }

    /// The filters for these packets; a packet that fits one of them is hit.
    pub(crate) fn of(
        packets: &Packets,
        networks: &[Network],
        way: Way,
    ) -> Result<Vec<Self>, FaultError> {
        if packets.is_all() {
            return Ok(Self::all());
        }
        let blocks = |ports: &[Ports]| -> Vec<Option<(u16, u16)>> {
            match ports {
                [] => vec![None],
                some => some.iter().flat_map(|p| p.blocks()).map(Some).collect(),
            }
        };
        let (local, remote) = (blocks(&packets.local_ports), blocks(&packets.remote_ports));
        let mut matches = Vec::new();
        for ethernet in [IPV4, IPV6] {
            let mine: Vec<Option<Network>> = match networks {
                [] => vec![None],
                some => some
                    .iter()
                    .filter(|network| network.address().is_ipv4() == (ethernet == IPV4))
                    .map(|network| Some(*network))
                    .collect(),
            };
            for network in mine {
                for protocol in packets.protocols() {
                    for local in &local {
                        for remote in &remote {
                            let mut one = Self {
                                ethernet,
                                keys: Vec::new(),
                            };
                            one.host(network, way);
                            one.protocol(protocol, local.is_some() || remote.is_some());
                            let (source, destination) = match way {
                                Way::Out => (*local, *remote),
                                Way::In => (*remote, *local),
                            };
                            one.ports(source, destination);
                            matches.push(one);
                        }
                    }
                }
            }
        }
        if matches.len() > MOST {
            let what = format!("{packets}");
            let why = format!(
                "it takes {} filters, more than {MOST}: name networks and ranges instead",
                matches.len()
            );
            return Err(FaultError::unsupported(what, why));
        }
        Ok(matches)
    }

    /// The other end's address.
    fn host(&mut self, network: Option<Network>, way: Way) {
        let Some(network) = network else {
            return;
        };
        let octets = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (address, mask) = (octets(network.address()), octets(network.mask()));
        let start = match (self.ethernet, way) {
            (IPV4, Way::In) => 12,
            (IPV4, Way::Out) => 16,
            (_, Way::In) => 8,
            (_, Way::Out) => 24,
        };
        let words = address.as_chunks().0.iter().zip(mask.as_chunks().0);
        for (at, (value, mask)) in (start..).step_by(4).zip(words) {
            let (value, mask) = (u32::from_be_bytes(*value), u32::from_be_bytes(*mask));
            self.key(at, mask, value);
        }
    }

    /// What the packet carries; with ports they must be where they are looked for: no options of IPv4, and not in a
    /// later fragment.
    fn protocol(&mut self, protocol: Option<Protocol>, ports: bool) {
        let Some(protocol) = protocol else {
            return;
        };
        let number = match (protocol, self.ethernet) {
            (Protocol::Tcp, _) => 6,
            (Protocol::Udp, _) => 17,
            (Protocol::Icmp, IPV4) => 1,
            (Protocol::Icmp, _) => 58,
            (Protocol::Sctp, _) => 132,
        };
        if self.ethernet == IPV4 {
            self.key(8, 0x00ff_0000, number << 16);
            if ports {
                self.key(0, 0x0f00_0000, 0x0500_0000);
                self.key(4, 0x0000_1fff, 0);
            }
        } else {
            self.key(4, 0x0000_ff00, number << 8);
        }
    }

    fn ports(&mut self, source: Option<(u16, u16)>, destination: Option<(u16, u16)>) {
        let at = if self.ethernet == IPV4 { 20 } else { 40 };
        let word = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
        let (source, source_mask) = source.unwrap_or((0, 0));
        let (destination, destination_mask) = destination.unwrap_or((0, 0));
        self.key(
            at,
            word(source_mask, destination_mask),
            word(source, destination),
        );
    }

    /// Adds a word; one of which no bit counts says nothing.
    fn key(&mut self, at: i32, mask: u32, value: u32) {
        if mask != 0 {
            self.keys.push(Key { at, mask, value });
        }
    }

    /// Its order among others, and its Ethernet type.
    pub(crate) const fn order(&self) -> (u16, u16) {
        let priority = match self.ethernet {
            IPV4 => 1,
            IPV6 => 2,
            _ => 3,
        };
        (priority, self.ethernet)
    }

    /// What the kernel is told: these packets go to this class.
    pub(crate) fn to_class(&self, class: u32) -> Vec<u8> {
        Attributes::new()
            .native(CLASS, class)
            .bytes(SELECTOR, &self.selector())
            .as_bytes()
            .to_vec()
    }

    /// What the kernel is told: these packets go out of this interface instead.
    pub(crate) fn to_interface(&self, index: u32) -> Vec<u8> {
        // struct tc_mirred: index, capabilities, action, counts of references and bindings, what to do, interface.
        let words = [0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, index];
        let mirred: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let options = Attributes::new().bytes(MIRRED_PARAMETERS, &mirred);
        let action = Attributes::new()
            .text(ACTION_KIND, "mirred")
            .nested(ACTION_OPTIONS, &options);
        let actions = Attributes::new().nested(1, &action);
        Attributes::new()
            .bytes(SELECTOR, &self.selector())
            .nested(ACTIONS, &actions)
            .as_bytes()
            .to_vec()
    }

    /// `struct tc_u32_sel` with its keys.
    fn selector(&self) -> Vec<u8> {
        let anything = [Key {
            at: 0,
            mask: 0,
            value: 0,
        }];
        let keys = if self.keys.is_empty() {
            &anything[..]
        } else {
            &self.keys
        };
        let count = u8::try_from(keys.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![TERMINAL, 0, count];
        bytes.resize(16, 0);
        for key in keys {
            bytes.extend(key.mask.to_be_bytes());
            bytes.extend(key.value.to_be_bytes());
            bytes.extend(key.at.to_ne_bytes());
            bytes.extend(0_i32.to_ne_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets::PacketsConfig;

    fn packets(json: &str) -> Packets {
        let config: PacketsConfig = serde_json::from_str(json).unwrap();
        config.build().unwrap()
    }

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_port_of_an_address_is_looked_for_at_the_right_end() {
        let packets = packets(r#"{ "protocol": "tcp", "remote_ports": ["5432"] }"#);
        let networks = networks(&["10.0.0.7"]);
        let key = |at, mask, value| Key { at, mask, value };
        let common = [
            key(8, 0x00ff_0000, 0x0006_0000),
            key(0, 0x0f00_0000, 0x0500_0000),
            key(4, 0x1fff, 0),
        ];
        for (way, address, port) in [
            (Way::Out, 16, key(20, 0x0000_ffff, 5432)),
            (Way::In, 12, key(20, 0xffff_0000, 5432 << 16)),
        ] {
            let matches = Match::of(&packets, &networks, way).unwrap();
            let mut keys = vec![key(address, u32::MAX, 0x0a00_0007)];
            keys.extend(common);
            keys.push(port);
            assert_eq!(
                matches,
                [Match {
                    ethernet: IPV4,
                    keys
                }]
            );
        }
    }

    #[test]
    fn a_network_of_ipv6_is_some_words() {
        let packets = packets(r#"{ "protocol": "icmp", "hosts": ["fd09::/40"] }"#);
        let matches = Match::of(&packets, &networks(&["fd09::/40"]), Way::Out).unwrap();
        assert_eq!(matches.len(), 1);
        let words: Vec<_> = matches[0].keys.iter().map(|k| (k.at, k.mask)).collect();
        assert_eq!(words, [(24, u32::MAX), (28, 0xff00_0000), (4, 0xff00)]);
        assert_eq!(matches[0].order(), (2, IPV6));
    }

    #[test]
    fn ports_without_a_protocol_are_tcp_and_udp_of_both_versions() {
        let packets = packets(r#"{ "local_ports": ["53"] }"#);
        assert_eq!(Match::of(&packets, &[], Way::In).unwrap().len(), 4);
    }

    #[test]
    fn too_many_filters_are_refused() {
        let packets = packets(
            r#"{ "local_ports": ["1-65534"], "remote_ports": ["1-65534"], "protocol": "tcp" }"#,
        );
        let error = Match::of(&packets, &[], Way::Out).unwrap_err();
        assert!(error.to_string().contains("filters"), "{error}");
    }

    #[test]
    fn a_selector_has_its_keys_in_the_networks_order() {
        let all = &Match::all()[0];
        assert_eq!(all.selector().len(), 32);
        assert_eq!(all.selector()[..3], [TERMINAL, 0, 1]);
        let one = Match {
            ethernet: IPV4,
            keys: vec![Key {
                at: 16,
                mask: 0xff00_0000,
                value: 0x0a00_0000,
            }],
        };
        assert_eq!(one.selector()[16..24], [0xff, 0, 0, 0, 10, 0, 0, 0]);
        assert_eq!(one.selector()[24..28], 16_i32.to_ne_bytes());
    }
}
