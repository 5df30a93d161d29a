//! What an answer leaves.

use crate::load::Class;
use http::HeaderMap;

/// What is to be left of an answer. It is read to its end in any case, up to `most` bytes of body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    headers: bool,
    body: bool,
    most: u64,
}

impl Keep {
    /// The status.
    pub(crate) const fn status(most: u64) -> Self {
        Self {
            headers: false,
            body: false,
            most,
        }
    }

    /// The headers, too.
    pub(crate) const fn headers(most: u64) -> Self {
        Self {
            headers: true,
            ..Self::status(most)
        }
    }

    /// Everything.
    pub(crate) const fn all(most: u64) -> Self {
        Self {
            body: true,
            ..Self::headers(most)
        }
    }

    pub(super) fn keeps_headers(self) -> bool {
        self.headers
    }
}

/// What an answer leaves.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Those that are to be kept.
    pub(crate) headers: HeaderMap,
    /// What is to be kept of it.
    pub(crate) body: Vec<u8>,
}

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Body {
    keep: Keep,
    seen: u64,
    bytes: Vec<u8>,
}

impl Body {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            seen: 0,
            bytes: Vec::new(),
        }
    }

    /// Takes the next part of it.
    ///
    /// # Errors
    /// It is too long.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<(), Class> {
        self.seen += data.len() as u64;
        if self.seen > self.keep.most {
            return Err(Class::BadBody);
        }
        if self.keep.body {
            self.bytes.extend_from_slice(data);
        }
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
