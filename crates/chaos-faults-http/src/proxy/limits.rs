//! How much of a message's head is taken, of clients and of the upstream: as much as servers take, and not without end.

/// How many fields. Their bytes are bounded by the buffer for a head, which is 400 KiB.
pub(crate) const FIELDS: usize = 1000;
/// How many bytes the fields are in HTTP/2, where each counts 32 more (RFC 9113, section 6.5.2).
pub(crate) const FIELDS_IN_TWO: u32 = 128 * 1024;
