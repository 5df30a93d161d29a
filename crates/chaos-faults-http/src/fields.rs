//! Parts of a message, as they stand in files.

use chaos_core::ConfigError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::collections::BTreeMap;

/// Headers by name, as they stand in files.
pub(crate) type Headers = BTreeMap<String, String>;

/// Headers that belong to a connection and not to a message, or that follow from the body.
const NOT_OURS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::UPGRADE,
];

/// A status that ends an exchange.
pub(crate) fn status(status: u16) -> Result<StatusCode, ConfigError> {
    let allowed = "200 to 599";
    match StatusCode::from_u16(status) {
        Ok(code) if (200..600).contains(&status) => Ok(code),
        _ => {
            Err(ConfigError::field("status", format!("{status} is no final status")).help(allowed))
        }
    }
}

/// Headers with their values.
pub(crate) fn headers(headers: &Headers) -> Result<HeaderMap, ConfigError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let field = || format!("headers.{name}");
        let value = HeaderValue::from_str(value).map_err(|_| {
            ConfigError::field(field(), "this is no value of a header")
                .help("visible ASCII characters, on one line")
        })?;
        map.insert(self::name(&field(), name)?, value);
    }
    Ok(map)
}

/// The name of a header that may be changed.
pub(crate) fn name(field: &str, name: &str) -> Result<HeaderName, ConfigError> {
    let header: HeaderName = name.parse().map_err(|_| {
        ConfigError::field(field, format!("`{name}` is no name of a header"))
            .help("letters, digits and hyphens, such as Retry-After")
    })?;
    if NOT_OURS.contains(&header) {
        return Err(ConfigError::field(
            field,
            format!("`{name}` belongs to the connection, or follows from the body"),
        )
        .help("any other header"));
    }
    Ok(header)
}
