//! The token bucket filter: a rate.

use crate::netlink::Attributes;

/// `TCA_TBF_PARMS`, `TCA_TBF_RATE64`, `TCA_TBF_BURST`.
const PARAMETERS: u16 = 1;
const RATE_64: u16 = 4;
const BURST: u16 = 6;

/// A rate for an interface (`man 8 tc-tbf`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tbf {
    /// In bytes per second.
    rate: u64,
    /// The largest packet, in bytes with the header of its link.
    packet: u32,
}

impl Tbf {
    /// A packet of Ethernet.
    const ETHERNET: u32 = 1514;
    /// The longest header of a link that is taken into account: Ethernet, two tags of a VLAN, a tunnel.
    const HEADER: u32 = 64;

    /// So much may go at once: what the rate gives in 10 ms, and at least three packets of Ethernet or one of the link's
    /// own. The kernel cuts what is larger (GSO) into packets, and drops a packet that is larger than this.
    fn burst(self) -> u32 {
        let least = self.packet.max(3 * Self::ETHERNET);
        let burst = (self.rate / 100).clamp(least.into(), (1 << 20).max(least.into()));
        u32::try_from(burst).unwrap_or(u32::MAX)
    }

    /// So much may wait: what the rate gives in 50 ms, and at least ten packets of Ethernet or four of the link's own;
    /// what is more is dropped.
    fn limit(self) -> u32 {
        let least = u64::from(self.packet) * 4;
        let waiting = (self.rate / 20).clamp(least.max(10 * u64::from(Self::ETHERNET)), 1 << 30);
        u32::try_from(waiting).unwrap_or(u32::MAX) + self.burst()
    }

    /// For an interface of Ethernet's usual size.
    pub(crate) const fn new(bytes_per_second: u64) -> Self {
        Self {
            rate: bytes_per_second,
            packet: Self::ETHERNET,
        }
    }

    /// For an interface that takes packets of so many bytes. More than any protocol has is no size.
    pub(crate) fn mtu(self, mtu: u32) -> Self {
        let packet = mtu.min(1 << 17) + Self::HEADER;
        Self { packet, ..self }
    }

    /// `struct tc_tbf_qopt` and what it has no room for.
    pub(crate) fn options(self) -> Vec<u8> {
        let rate = u32::try_from(self.rate).unwrap_or(u32::MAX);
        let mut parameters = rate_specification(rate);
        parameters.extend([0; 12]);
        parameters.extend(self.limit().to_ne_bytes());
        parameters.extend(ticks(u64::from(self.burst()), self.rate).to_ne_bytes());
        parameters.extend(0_u32.to_ne_bytes());
        let mut options = Attributes::new().bytes(PARAMETERS, &parameters);
        if u64::from(rate) < self.rate {
            options = options.bytes(RATE_64, &self.rate.to_ne_bytes());
        }
        options.native(BURST, self.burst()).as_bytes().to_vec()
    }
}

/// `struct tc_ratespec` for Ethernet.
pub(super) fn rate_specification(rate: u32) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 0, 0, 0, 0, 0];
    bytes.extend(rate.to_ne_bytes());
    bytes
}

/// How long so many bytes take, in the ticks of the packet scheduler: 64 ns (`PSCHED_SHIFT`).
pub(super) fn ticks(bytes: u64, rate: u64) -> u32 {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    u32::try_from(nanoseconds >> 6).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::find;

    #[test]
    fn a_rate_reads_as_tc_would_write_it() {
        // tc qdisc add ... tbf rate 1mbyte burst 10000 limit 60000
        let options = Tbf::new(1_000_000).options();
        let parameters = find(&options, PARAMETERS).unwrap();
        assert_eq!(parameters.len(), 36);
        assert_eq!(parameters[8..12], 1_000_000_u32.to_ne_bytes());
        assert_eq!(parameters[24..28], 60_000_u32.to_ne_bytes());
        // 10 ms in ticks of 64 ns.
        assert_eq!(parameters[28..32], 156_250_u32.to_ne_bytes());
        assert_eq!(find(&options, BURST).unwrap(), 10_000_u32.to_ne_bytes());
        assert_eq!(find(&options, RATE_64), None);
    }

    #[test]
    fn the_largest_packet_of_a_link_always_fits() {
        for (mtu, burst) in [
            (0, 3 * 1514),
            (1500, 3 * 1514),
            (9001, 9065),
            (65536, 65600),
        ] {
            let slow = Tbf::new(125_000).mtu(mtu);
            assert_eq!(slow.burst(), burst);
            assert!(slow.limit() >= 2 * burst);
        }
        let odd = Tbf::new(1).mtu(u32::MAX);
        assert!(odd.burst() < 1 << 18);
        assert_eq!(
            Tbf::new(1_000_000).mtu(9001),
            Tbf {
                rate: 1_000_000,
                packet: 9065
            }
        );
    }

    #[test]
    fn a_rate_of_more_than_34_gbit_has_room() {
        let rate = 12_500_000_000;
        let options = Tbf::new(rate).options();
        assert_eq!(find(&options, RATE_64).unwrap(), rate.to_ne_bytes());
    }
}
