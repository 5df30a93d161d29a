//! What says that something is ours, where there is no room for a name.

/// What the names of all devices of ours begin with; a name has at most 15 characters.
const OURS: &str = "chaos";

/// Numbers that stand for an injection's mark: the same for the same mark, and of no other with near certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Mark {
    /// Of an injection and one interface.
    pub(super) fn of(mark: &str, interface: &str) -> Self {
        // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
        let bytes = mark.bytes().chain([b'/']).chain(interface.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash)
    }

    /// The name of a device.
    pub(super) fn device(self) -> String {
        format!("{OURS}{:010x}", self.0 & 0xff_ffff_ffff)
    }

    /// The number of a queue: even, in a range that the kernel, which counts up from 8001, does not give.
    pub(super) fn queue(self) -> u16 {
        0xc000 | (self.0 & 0x0ffe) as u16
    }

    /// The number of a block of filters.
    pub(super) fn block(self) -> u32 {
        0xc000_0000 | (self.0 & 0x0fff_ffff) as u32
    }
}

/// Whether a device may be ours by its name: a record with any other was forged.
pub(super) fn is_a_device_of_ours(name: &str) -> bool {
    name.strip_prefix(OURS)
        .is_some_and(|rest| rest.len() == 10 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a queue may be ours by its number.
pub(super) fn is_a_queue_of_ours(major: u16) -> bool {
    major & 0xf001 == 0xc000
}

/// Whether a block may be ours by its number.
pub(super) fn is_a_block_of_ours(block: u32) -> bool {
    block & 0xf000_0000 == 0xc000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_known_again() {
        let mark = Mark::of("chaos-18c2f4a9b01-411-0-0-0", "eth0");
        assert_eq!(mark, Mark::of("chaos-18c2f4a9b01-411-0-0-0", "eth0"));
        assert_ne!(mark, Mark::of("chaos-18c2f4a9b01-411-0-0-0", "eth1"));
        assert_eq!(mark.device().len(), 15);
        assert!(is_a_device_of_ours(&mark.device()));
        assert!(is_a_queue_of_ours(mark.queue()));
        assert!(is_a_block_of_ours(mark.block()));
        for theirs in [
            "eth0",
            "chaos",
            "chaos-0123456789",
            "ifb0",
            "chaosxxxxxxxxxx",
        ] {
            assert!(!is_a_device_of_ours(theirs), "{theirs}");
        }
        assert!(!is_a_queue_of_ours(0) && !is_a_queue_of_ours(0x8001));
        assert!(!is_a_block_of_ours(0) && !is_a_block_of_ours(12345));
    }
}
