//! How the ways in which a request ends are told apart in a picture.

use crate::load::Class;

/// The class of the style sheet.
pub(super) const fn style(class: Class) -> &'static str {
    match class {
        Class::Ok => "k-ok",
        Class::BadStatus => "k-status",
        Class::BadBody => "k-body",
        Class::Refused => "k-refused",
        Class::Reset => "k-reset",
        Class::Unreachable => "k-unreachable",
        Class::Dns => "k-dns",
        Class::Tls => "k-tls",
        Class::Timeout => "k-timeout",
        Class::Slow => "k-slow",
        Class::NoSlot => "k-slot",
        Class::Failed => "k-failed",
        Class::Unsent => "k-unsent",
        Class::Cancelled => "k-cancelled",
    }
}

/// In which order they are piled up, from below: the good ones first, the instrument's own last.
pub(super) fn piled() -> impl Iterator<Item = Class> {
    Class::ALL.into_iter()
}
