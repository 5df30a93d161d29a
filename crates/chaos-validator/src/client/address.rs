//! `host:port`.

use chaos_core::ConfigError;

/// Reads `127.0.0.1:6379` or `[::1]:6379`.
///
/// # Errors
/// Anything else, with what is allowed.
pub(crate) fn host_and_port(address: &str) -> Result<(String, u16), ConfigError> {
    let wrong = || {
        ConfigError::field("address", format!("`{address}` is not a host and a port"))
            .help("write `127.0.0.1:6379` or `[::1]:6379`")
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host
        .strip_prefix('[')
        .map_or(Some(host), |host| host.strip_suffix(']'))
        .ok_or_else(wrong)?;
    if bare.is_empty() || (host == bare && bare.contains(':')) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|p| *p > 0).ok_or_else(wrong)?;
    Ok((bare.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (address, host, port) in [
            ("127.0.0.1:6379", "127.0.0.1", 6379),
            ("[::1]:5432", "::1", 5432),
            ("db.local:80", "db.local", 80),
        ] {
            assert_eq!(host_and_port(address).unwrap(), (host.to_owned(), port));
        }
        for address in ["", "x", ":80", "x:", "x:0", "x:99999", "::1:80", "[::1:80"] {
            let error = host_and_port(address).unwrap_err();
            assert_eq!(error.field_path(), Some("address"), "{address}");
        }
    }
}
