//! Randomness that can be repeated.

use rand::{SeedableRng, rngs::StdRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where random numbers come from: the same seed gives the same experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// A given seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody has used. It has 53 bits, so that every reader of JSON keeps it.
    pub fn fresh() -> Self {
        Self(rand::random::<u64>() >> 11)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The seed of one part: the fault's kind and place, the repetition.
    #[must_use]
    pub fn derive(self, part: &str, n: u64) -> Self {
        let mut hash = Fnv64::new();
        hash.write(&self.0.to_le_bytes());
        hash.write(part.as_bytes());
        hash.write(&n.to_le_bytes());
        Self(hash.finish())
    }

    /// A generator that starts here.
    pub fn rng(self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// FNV-1a: a hash that is the same in every process and version, for seeds and claim names.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
pub(crate) struct Fnv64(u64);

impl Fnv64 {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) const fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        let mut hash = Fnv64::new();
        hash.write(b"foobar");
        assert_eq!(hash.finish(), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn parts_have_seeds_of_their_own() {
        let seed = Seed::new(7);
        assert_eq!(seed.derive("net.latency", 0), seed.derive("net.latency", 0));
        assert_ne!(seed.derive("net.latency", 0), seed.derive("net.latency", 1));
        assert_ne!(seed.derive("net.latency", 0), seed.derive("net.loss", 0));
    }
}
