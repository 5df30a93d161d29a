//! What is said besides the file.

use std::collections::BTreeMap;

/// What is said besides the file.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Values for `${NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Replaces `base_url`: a URL. A file that has no `${base_url}` is refused, as nothing would ask for it.
    pub target: Option<String>,
    /// Which of the file's `environments` goes over it.
    pub environment: Option<String>,
}
