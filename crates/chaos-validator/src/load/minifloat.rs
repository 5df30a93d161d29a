//! Times in few bits.

use std::time::Duration;

/// How many of the bits are the exponent.
const EXPONENT_BITS: u32 = 5;

/// A time in so many bits: an exponent of five and a mantissa of the rest. Exact to the nanosecond as long as the mantissa
/// holds it; above, rounded to the nearest that can be told. The numbers are in the order of the times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Minifloat {
    pub(crate) bits: u32,
}

impl Minifloat {
    /// Selects the bits.
    pub(crate) const fn mask(self) -> u64 {
        (1 << self.bits) - 1
    }

    const fn mantissa_bits(self) -> u32 {
        self.bits - EXPONENT_BITS
    }

    /// The number of a time; the highest for what is too long.
    pub(crate) const fn pack(self, nanos: u64) -> u64 {
        let mantissa = self.mantissa_bits();
        // Numbers with the top bit of the mantissa set, times 2^(exponent − 1): as floats have their hidden bit, which
        // makes room for one bit more.
        if nanos >> mantissa == 0 {
            return nanos;
        }
        let mut shift = 63 - nanos.leading_zeros() - mantissa;
        let half = (1 << shift) >> 1;
        let mut rounded = nanos.saturating_add(half) >> shift;
        if rounded >> (mantissa + 1) != 0 {
            rounded >>= 1;
            shift += 1;
        }
        if shift + 1 >= 1 << EXPONENT_BITS {
            return self.mask();
        }
        (shift as u64 + 1) << mantissa | (rounded & ((1 << mantissa) - 1))
    }

    /// The time of a number.
    pub(crate) const fn unpack(self, number: u64) -> Duration {
        let mantissa = self.mantissa_bits();
        let (exponent, fraction) = (number >> mantissa, number & ((1 << mantissa) - 1));
        Duration::from_nanos(match exponent {
            0 => fraction,
            exponent => (1 << mantissa | fraction) << (exponent - 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Minifloat; 3] = [
        Minifloat { bits: 12 },
        Minifloat { bits: 16 },
        Minifloat { bits: 32 },
    ];

    proptest! {
        #[test]
        fn a_time_is_kept_to_its_digits(nanos in 0_u64..(1 << 36), shift in 0_u32..36) {
            let nanos = nanos >> shift;
            for float in ALL {
                let back = float.unpack(float.pack(nanos)).as_nanos() as u64;
                let allowed = nanos >> (float.mantissa_bits() + 1);
                prop_assert!(back.abs_diff(nanos) <= allowed, "{float:?} {nanos} {back}");
            }
        }

        #[test]
        fn the_order_stays(a in 0_u64..(1 << 40), b in 0_u64..(1 << 40), shift in 0_u32..40) {
            let (a, b) = (a.min(b) >> shift, a.max(b) >> shift);
            for float in ALL {
                prop_assert!(float.pack(a) <= float.pack(b));
            }
        }
    }

    #[test]
    fn round_times_are_exact() {
        let float = Minifloat { bits: 32 };
        for ms in (0..8_000).chain([60_000, 600_000]) {
            let time = Duration::from_millis(ms);
            assert_eq!(float.unpack(float.pack(time.as_nanos() as u64)), time);
        }
    }

    #[test]
    fn what_is_too_long_is_the_longest() {
        for float in ALL {
            let longest = float.pack(u64::MAX);
            assert_eq!(longest, float.mask());
            assert!(float.unpack(longest) > Duration::from_millis(100));
        }
    }
}
