//! Which requests a fault hits.

use chaos_core::{ConfigError, units::Percent};
use http::{HeaderMap, HeaderName, Method};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt};
use wildmatch::WildMatch;

/// Which requests a fault hits: all conditions must hold. By default it hits every request.
///
/// In patterns `*` stands for any text, also with slashes and also none, and `?` for one character.
///
/// # Examples
/// ```
/// use chaos_faults_http::{Abort, Requests};
///
/// let orders = Requests::path("/orders/*").methods(["POST"]).share(30.0);
/// let fails = Abort::status(503).requests(orders);
/// # drop(fails);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Requests {
    /// By these methods, such as POST. Default: any.
    #[serde(default)]
    methods: Option<Vec<String>>,
    /// Of paths that match one of these patterns, such as /orders/*. Without the query. Default: any.
    #[serde(default)]
    paths: Option<Vec<String>>,
    /// With all of these headers, whose values match these patterns: { x-canary: "*" }. Default: any.
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    /// Which share of them, in percent: 0 to 100, drawn for each request from the seed. Default: 100.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    share: Option<f64>,
}

impl Requests {
    /// Every request.
    pub const fn all() -> Self {
        Self {
            methods: None,
            paths: None,
            headers: None,
            share: None,
        }
    }

    /// Requests of paths that match this pattern, such as `/orders/*`. The query is not looked at.
    pub fn path(pattern: impl Into<String>) -> Self {
        Self::all().or_path(pattern)
    }

    /// Those of paths that match this pattern, too.
    #[must_use]
    pub fn or_path(mut self, pattern: impl Into<String>) -> Self {
        self.paths.get_or_insert_default().push(pattern.into());
        self
    }

    /// Only those by one of these methods, such as `POST`.
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Only those with this header, whose value matches this pattern.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, pattern: impl Into<String>) -> Self {
        let headers = self.headers.get_or_insert_default();
        headers.insert(name.into(), pattern.into());
        self
    }

    /// Only this share of them, 0 to 100 %, drawn for each request from the seed.
    #[must_use]
    pub const fn share(mut self, percent: f64) -> Self {
        self.share = Some(percent);
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.build().map(drop)
    }

    /// What a proxy asks about each request.
    pub(crate) fn build(&self) -> Result<Picked, ConfigError> {
        let share = |percent: f64| match Percent::try_from(percent) {
            Ok(percent) => Ok(percent.share()),
            Err(e) => Err(ConfigError::field("requests.share", e.to_string())
                .help("the share of the requests that are hit, in percent: 0 to 100")),
        };
        Ok(Picked {
            methods: list("methods", self.methods.as_deref(), method)?,
            paths: list("paths", self.paths.as_deref(), path)?,
            headers: self
                .headers
                .iter()
                .flatten()
                .map(header)
                .collect::<Result<_, _>>()?,
            share: self.share.map(share).transpose()?,
        })
    }
}

/// As it reads after "the requests" or "the responses to requests".
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            Some(percent) => write!(f, "{percent} % of the")?,
            None => f.write_str("the")?,
        }
        if let Some(methods) = &self.methods {
            write!(f, " {}", methods.join(", "))?;
        }
        f.write_str(" requests")?;
        if let Some(paths) = &self.paths {
            write!(f, " of {}", paths.join(", "))?;
        }
        for (at, (name, pattern)) in self.headers.iter().flatten().enumerate() {
            write!(
                f,
                " {} {name}: {pattern}",
                if at == 0 { "with" } else { "and" }
            )?;
        }
        Ok(())
    }
}

/// Every entry of a list that may not be empty.
fn list<T>(
    field: &str,
    entries: Option<&[String]>,
    read: impl Fn(&str) -> Result<T, (String, &'static str)>,
) -> Result<Option<Vec<T>>, ConfigError> {
    let Some(entries) = entries else {
        return Ok(None);
    };
    if entries.is_empty() {
        let problem = "the list is empty, so no request would be hit";
        return Err(ConfigError::field(format!("requests.{field}"), problem)
            .help("leave it out for all requests"));
    }
    let entry = |(at, entry): (usize, &String)| {
        read(entry).map_err(|(problem, help)| {
            ConfigError::field(format!("requests.{field}[{at}]"), problem).help(help)
        })
    };
    entries
        .iter()
        .enumerate()
        .map(entry)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn method(text: &str) -> Result<Method, (String, &'static str)> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| (format!("`{text}` is no method"), "such as GET or POST"))
}

fn path(pattern: &str) -> Result<WildMatch, (String, &'static str)> {
    if pattern.starts_with(['/', '*']) {
        return Ok(WildMatch::new(pattern));
    }
    Err((
        format!("`{pattern}` is no path"),
        "begin with a slash or an asterisk, such as /orders/*",
    ))
}

fn header((name, pattern): (&String, &String)) -> Result<(HeaderName, WildMatch), ConfigError> {
    let header = name.parse().map_err(|_| {
        ConfigError::field(
            format!("requests.headers.{name}"),
            format!("`{name}` is no name of a header"),
        )
        .help("letters, digits and hyphens, such as X-Canary")
    })?;
    Ok((header, WildMatch::new(pattern)))
}

/// Which requests a fault hits.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Picked {
    methods: Option<Vec<Method>>,
    paths: Option<Vec<WildMatch>>,
    headers: Vec<(HeaderName, WildMatch)>,
    /// 0 to 1.
    pub(crate) share: Option<f64>,
}

impl Picked {
    /// Whether a request is one of those of which a share is hit.
    pub(crate) fn matches(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        let any_value = |(name, pattern): &(HeaderName, WildMatch)| {
            let mut values = headers.get_all(name).iter();
            values.any(|value| pattern.matches(&String::from_utf8_lossy(value.as_bytes())))
        };
        let methods = self.methods.as_ref();
        let paths = self.paths.as_ref();
        methods.is_none_or(|methods| methods.contains(method))
            && paths.is_none_or(|paths| paths.iter().any(|pattern| pattern.matches(path)))
            && self.headers.iter().all(any_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(requests: &Requests, method: &Method, path: &str, canary: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(canary) = canary {
            headers.insert("x-canary", canary.parse().unwrap());
        }
        requests.build().unwrap().matches(method, path, &headers)
    }

    #[test]
    fn by_default_every_request_is_hit() {
        assert!(hits(&Requests::all(), &Method::GET, "/", None));
    }

    #[test]
    fn all_conditions_must_hold() {
        let some = Requests::path("/orders/*")
            .or_path("/carts")
            .methods(["post", "PUT"])
            .header("X-Canary", "y?s*");
        for (method, path, canary, hit) in [
            (Method::POST, "/orders/1/lines", Some("yes, please"), true),
            (Method::PUT, "/carts", Some("yes"), true),
            (Method::PUT, "/carts/1", Some("yes"), false),
            (Method::POST, "/orders", Some("yes"), false),
            (Method::GET, "/orders/1", Some("yes"), false),
            (Method::POST, "/orders/1", Some("no"), false),
            (Method::POST, "/orders/1", None, false),
        ] {
            assert_eq!(
                hits(&some, &method, path, canary),
                hit,
                "{method} {path} {canary:?}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_the_field() {
        for (requests, field) in [
            (Requests::path("orders"), "requests.paths[0]"),
            (
                Requests::all().methods(["GET", "A B"]),
                "requests.methods[1]",
            ),
            (Requests::all().methods([""; 0]), "requests.methods"),
            (Requests::all().header("a b", "*"), "requests.headers.a b"),
            (Requests::all().share(101.0), "requests.share"),
            (Requests::all().share(f64::NAN), "requests.share"),
        ] {
            let error = requests.check().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn what_was_said_is_told() {
        assert_eq!(Requests::all().to_string(), "the requests");
        let some = Requests::path("/a").or_path("/b/*").methods(["GET"]);
        let some = some.header("x", "1").header("y", "*").share(0.5);
        assert_eq!(
            some.to_string(),
            "0.5 % of the GET requests of /a, /b/* with x: 1 and y: *"
        );
    }
}
