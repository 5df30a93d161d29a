//! What an error of a connection says of the target.

use crate::load::Class;
use std::{error::Error, io};

/// What breaks an exchange by HTTP/2.
pub(super) fn class_of(error: &hyper::Error) -> Class {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return class_of_transfer(io);
        }
        if let Some(h2) = error.downcast_ref::<h2::Error>() {
            return match h2.get_io() {
                Some(io) => class_of_transfer(io),
                // Found by this side: what came is no HTTP/2, often because it is HTTP/1.1.
                None if h2.is_library() => Class::BadBody,
                None => Class::Reset,
            };
        }
        source = error.source();
    }
    Class::Reset
}

/// The same of a connection that stands.
pub(super) fn class_of_transfer(error: &io::Error) -> Class {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Class::BadBody,
        _ => class_of_io(error),
    }
}

pub(crate) fn class_of_io(error: &io::Error) -> Class {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Class::Refused,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => Class::Unreachable,
        Kind::TimedOut => Class::Timeout,
        // Our own ports.
        Kind::AddrNotAvailable | Kind::AddrInUse => Class::Unsent,
        _ if out_of_descriptors(error) => Class::Unsent,
        _ => Class::Reset,
    }
}

/// EMFILE and ENFILE, which std has no kind for; WSAEMFILE on Windows.
fn out_of_descriptors(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
