//! A thread that holds memory.

use super::room::Room;
use crate::crew::Shared;
use chaos_core::Chain;
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
pub(super) fn fill(bytes: usize, shared: &Shared) {
    let page = rustix::param::page_size();
    let piece = vec![0xC5; PIECE];
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let wanted = left.min(CHUNK);
        let mut chunk = Vec::new();
        if is_short(wanted) || chunk.try_reserve_exact(CHUNK).is_err() {
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
        if is_short(0) {
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
fn is_short(wanted: usize) -> bool {
    match Room::look() {
        Ok(room) => room.available < room.reserve() + wanted as u64,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "could not look");
            false
        }
    }
}
