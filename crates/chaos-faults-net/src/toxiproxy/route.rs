//! Which request means what.

use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Version,
    Metrics,
    Reset,
    Populate,
    ListProxies,
    CreateProxy,
    ShowProxy(String),
    UpdateProxy(String),
    DeleteProxy(String),
    ListToxics(String),
    CreateToxic(String),
    ShowToxic(String, String),
    UpdateToxic(String, String),
    DeleteToxic(String, String),
}

impl Route {
    /// What a request means; else the status that says that nobody is there, or that it cannot be asked like this.
    pub(super) fn of(method: &Method, path: &str, metrics: bool) -> Result<Self, StatusCode> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        let Some(path) = path.strip_prefix('/') else {
            return Err(StatusCode::NOT_FOUND);
        };
        let parts: Vec<&str> = path.split('/').collect();
        if parts.contains(&"") {
            return Err(StatusCode::NOT_FOUND);
        }
        let own = str::to_owned;
        let route = match (parts.as_slice(), method.as_str()) {
            (["version"], "GET") => Self::Version,
            (["metrics"], _) if metrics => Self::Metrics,
            (["reset"], "POST") => Self::Reset,
            (["populate"], "POST") => Self::Populate,
            (["proxies"], "GET") => Self::ListProxies,
            (["proxies"], "POST") => Self::CreateProxy,
            (["proxies", proxy], "GET") => Self::ShowProxy(own(proxy)),
            (["proxies", proxy], "POST" | "PATCH") => Self::UpdateProxy(own(proxy)),
            (["proxies", proxy], "DELETE") => Self::DeleteProxy(own(proxy)),
            (["proxies", proxy, "toxics"], "GET") => Self::ListToxics(own(proxy)),
            (["proxies", proxy, "toxics"], "POST") => Self::CreateToxic(own(proxy)),
            (["proxies", proxy, "toxics", toxic], method) => {
                let (proxy, toxic) = (own(proxy), own(toxic));
                match method {
                    "GET" => Self::ShowToxic(proxy, toxic),
                    "POST" | "PATCH" => Self::UpdateToxic(proxy, toxic),
                    "DELETE" => Self::DeleteToxic(proxy, toxic),
                    _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
                }
            }
            (
                ["version" | "reset" | "populate" | "proxies"]
                | ["proxies", _]
                | ["proxies", _, "toxics"],
                _,
            ) => return Err(StatusCode::METHOD_NOT_ALLOWED),
            _ => return Err(StatusCode::NOT_FOUND),
        };
        Ok(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_and_method_has_its_meaning() {
        let (p, t) = (|| "p".to_owned(), || "t".to_owned());
        let wrong = || Err(StatusCode::METHOD_NOT_ALLOWED);
        let nobody = || Err(StatusCode::NOT_FOUND);
        for (method, path, route) in [
            ("GET", "/version", Ok(Route::Version)),
            ("POST", "/version", wrong()),
            ("HEAD", "/version", wrong()),
            ("OPTIONS", "/proxies", wrong()),
            ("GET", "/metrics", Ok(Route::Metrics)),
            ("GET", "/reset", wrong()),
            ("POST", "/reset", Ok(Route::Reset)),
            ("PUT", "/populate", wrong()),
            ("POST", "/populate", Ok(Route::Populate)),
            ("GET", "/proxies", Ok(Route::ListProxies)),
            ("POST", "/proxies", Ok(Route::CreateProxy)),
            ("GET", "/proxies/", nobody()),
            ("GET", "/proxies/p", Ok(Route::ShowProxy(p()))),
            ("GET", "/proxies/%70", Ok(Route::ShowProxy(p()))),
            ("PATCH", "/proxies/p", Ok(Route::UpdateProxy(p()))),
            ("POST", "/proxies/p", Ok(Route::UpdateProxy(p()))),
            ("PUT", "/proxies/p", wrong()),
            ("DELETE", "/proxies/p", Ok(Route::DeleteProxy(p()))),
            ("GET", "/proxies/p/toxics", Ok(Route::ListToxics(p()))),
            ("POST", "/proxies/p/toxics", Ok(Route::CreateToxic(p()))),
            ("DELETE", "/proxies/p/toxics", wrong()),
            ("GET", "/proxies/p/toxics/t", Ok(Route::ShowToxic(p(), t()))),
            (
                "POST",
                "/proxies/p/toxics/t",
                Ok(Route::UpdateToxic(p(), t())),
            ),
            (
                "PATCH",
                "/proxies/p/toxics/t",
                Ok(Route::UpdateToxic(p(), t())),
            ),
            (
                "DELETE",
                "/proxies/p/toxics/t",
                Ok(Route::DeleteToxic(p(), t())),
            ),
            ("HEAD", "/proxies/p/toxics/t", wrong()),
            ("GET", "/proxies/p/toxics/t/", nobody()),
            ("GET", "/proxies/p/other", nobody()),
            ("GET", "/proxies//toxics", nobody()),
            ("GET", "/", nobody()),
            ("OPTIONS", "*", nobody()),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(Route::of(&method, path, true), route, "{method} {path}");
        }
        assert_eq!(Route::of(&Method::GET, "/metrics", false), nobody());
        // A slash in a name is a slash.
        let path = "/proxies/a%20b%2Fc";
        assert_eq!(Route::of(&Method::GET, path, false), nobody());
    }
}
