//! How the data of one direction comes: in messages or in bulk.

/// How the data of one direction comes.
///
/// For messages it is quicker to copy them: splicing needs two calls more. In bulk copying is what costs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    bulk: bool,
    /// How many moves in a row say the contrary.
    contrary: u8,
}

impl Pace {
    /// A move of so many bytes is a large one.
    const LARGE: usize = 16 * 1024;
    /// So many large moves in a row are bulk, and so many others are not.
    const ROW: u8 = 4;

    /// So many bytes were moved at once.
    pub(crate) fn moved(&mut self, bytes: usize) {
        if (bytes >= Self::LARGE) == self.bulk {
            self.contrary = 0;
        } else {
            self.contrary += 1;
            if self.contrary == Self::ROW {
                *self = Self {
                    bulk: !self.bulk,
                    contrary: 0,
                };
            }
        }
    }

    pub(crate) fn is_bulk(self) -> bool {
        self.bulk
    }

    /// It is not to be moved in bulk for now.
    pub(crate) fn slow_down(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(moves: &[usize]) -> bool {
        let mut pace = Pace::default();
        moves.iter().for_each(|bytes| pace.moved(*bytes));
        pace.is_bulk()
    }

    #[test]
    fn bulk_is_several_large_moves_in_a_row() {
        const LARGE: usize = 65536;
        assert!(!after(&[LARGE; 3]));
        assert!(after(&[LARGE; 4]));
        assert!(!after(&[LARGE, LARGE, LARGE, 10, LARGE, LARGE, LARGE]));
        assert!(after(&[LARGE, LARGE, LARGE, LARGE, 10, 10, 10, LARGE, 10]));
        assert!(!after(&[LARGE, LARGE, LARGE, LARGE, 10, 10, 10, 10]));
    }
}
