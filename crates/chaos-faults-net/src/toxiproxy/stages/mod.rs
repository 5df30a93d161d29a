//! What toxics do to one direction of a connection, where no fault of this crate does the same.

mod delayed;
mod limited;
mod lossy;
mod reset_later;
mod stalled;
mod timeout;

pub(super) use delayed::Delayed;
pub(super) use limited::Limited;
pub(super) use lossy::Lossy;
pub(super) use reset_later::ResetLater;
pub(super) use stalled::Stalled;
pub(super) use timeout::Timeout;

/// The end of a stream, or the news that its sender is gone: it has no data.
const fn is_end(piece: &crate::proxy::Piece<'_>) -> bool {
    piece.data.is_empty()
}

#[cfg(test)]
fn piece(data: &[u8], at: std::time::Instant) -> crate::proxy::Piece<'_> {
    crate::proxy::Piece {
        at,
        now: at,
        data,
        chunk: Some(data.len()),
    }
}
