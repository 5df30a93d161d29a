//! Whose turn it is.

/// The order of one round. Whoever is measured finds the machine as the one before has left it (which processor runs what, how
/// busy they were), so within the rounds everyone comes right after everyone else equally often: after as many rounds as there
/// are, or twice as many when that is odd (a Latin square of Williams').
pub fn turns(count: usize, round: usize) -> impl Iterator<Item = usize> {
    let is_mirrored = count % 2 == 1 && round % 2 == 1;
    let shift = if count % 2 == 1 { round / 2 } else { round };
    (0..count).map(move |place| {
        let place = if is_mirrored {
            count - 1 - place
        } else {
            place
        };
        // 0, 1, count - 1, 2, count - 2, …
        let zigzag = match place % 2 {
            0 => count - place / 2,
            _ => place.div_ceil(2),
        };
        (zigzag + shift) % count
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn everyone_has_a_turn_in_each_round_and_follows_everyone_equally_often() {
        for (count, rounds, each) in [(2, 2, 1), (3, 6, 2), (6, 6, 1), (7, 14, 2)] {
            let mut follows = BTreeMap::new();
            for round in 0..rounds {
                let order: Vec<usize> = turns(count, round).collect();
                let mut all = order.clone();
                all.sort_unstable();
                assert!(all.into_iter().eq(0..count), "{order:?}");
                for pair in order.windows(2) {
                    *follows.entry((pair[0], pair[1])).or_insert(0) += 1;
                }
            }
            assert_eq!(follows.len(), count * (count - 1));
            assert!(follows.values().all(|times| *times == each), "{follows:?}");
        }
    }
}
