//! A thread that holds memory.

use super::room::Room;
use crate::crew::Shared;
use chaos_core::{Chain, FaultError};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Larger than anything that `malloc` keeps when it is freed (32 MiB in glibc), so that dropping it unmaps it.
const CHUNK: usize = 64 << 20;
/// What is filled between two looks at whether the work is over.
const PIECE: usize = 1 << 20;
/// How often all pages are touched, so that they stay in memory.
const TICK: Duration = Duration::from_millis(500);

/// Fills so many bytes and keeps them resident until the work is over. Gives all of it back, and ends, when memory
/// gets so short that the OOM killer is near.
pub(super) fn fill(bytes: usize, look: impl Fn() -> Result<Room, FaultError>, shared: &Shared) {
    let page = rustix::param::page_size();
    let piece = vec![0xC5; PIECE];
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let wanted = left.min(CHUNK);
        let mut chunk = Vec::new();
        if is_short(&look, wanted) || chunk.try_reserve_exact(CHUNK).is_err() {
            tracing::warn!(
                left,
                "no more memory can be had; what was filled is given back"
            );
            return;
        }
        while chunk.len() < wanted {
            if shared.ended() {
                return;
            }
            let more = PIECE.min(wanted - chunk.len());
            chunk.extend_from_slice(&piece[..more]);
            shared.hit(more.div_ceil(page) as u64);
        }
        left -= wanted;
        chunks.push(chunk);
    }
    while !shared.ended() {
        shared.rest_until(Instant::now() + TICK);
        if is_short(&look, 0) {
            tracing::warn!(bytes, "memory is short; all of it is given back");
            return;
        }
        for chunk in &mut chunks {
            chunk.iter_mut().step_by(page).for_each(|byte| *byte ^= 1);
            black_box(chunk);
        }
    }
}

/// Whether taking so much would leave too little for everybody else.
fn is_short(look: impl Fn() -> Result<Room, FaultError>, wanted: usize) -> bool {
    match look() {
        Ok(room) => room.available < room.reserve() + wanted as u64,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "could not look");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crew::Crew;
    use chaos_core::Held;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    };

    #[test]
    fn memory_is_given_back_when_it_gets_short() {
        // Short from the start, and short after it was filled.
        for enough in [0, 1] {
            let looks = Arc::new(AtomicU64::new(0));
            let room = {
                let looks = Arc::clone(&looks);
                move || {
                    let short = looks.fetch_add(1, Relaxed) >= enough;
                    let (total, available) = (8 << 30, if short { 1 << 20 } else { 4 << 30 });
                    Ok(Room { total, available })
                }
            };
            let work = move |shared: &Shared| fill(2 << 20, &room, shared);
            let crew = Crew::start("chaos-test", [work]).unwrap();
            let start = Instant::now();
            while crew.in_place() {
                assert!(start.elapsed() < Duration::from_secs(30));
                std::thread::yield_now();
            }
            assert_eq!(looks.load(Relaxed), enough + 1);
            assert_eq!(crew.hits() > Some(0), enough > 0);
            crew.release().unwrap();
        }
    }

    #[test]
    fn a_look_that_failed_says_nothing() {
        let look = || Err(FaultError::host("look", "no"));
        assert!(!is_short(look, usize::MAX / 2));
    }
}
