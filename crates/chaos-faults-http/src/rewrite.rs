//! Changing a message on its way.

use crate::{
    direction::Direction,
    effect::{Effect, Step},
    proxy::{Body, is_coded},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri, header,
    uri::{Parts, PathAndQuery},
};
use rand::rngs::StdRng;
use serde_json::Value as Json;

/// What is changed of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Rewrite {
    /// Of a request.
    pub(crate) method: Option<Method>,
    /// Of a request, with its query.
    pub(crate) path: Option<PathAndQuery>,
    /// Of a response.
    pub(crate) status: Option<StatusCode>,
    /// Headers that take the place of those of the same name.
    pub(crate) set: HeaderMap,
    /// Headers beside those of the same name.
    pub(crate) add: HeaderMap,
    pub(crate) remove: Vec<HeaderName>,
    pub(crate) body: Option<NewBody>,
}

/// What becomes of the body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NewBody {
    /// These bytes.
    Whole(Bytes),
    /// A JSON document with changes (RFC 7396).
    Merge(Json),
}

impl Rewrite {
    /// A longer JSON document goes on as it is.
    const MOST: usize = 4 * 1024 * 1024;

    /// The request changed; whether anything was.
    pub(crate) async fn request(&self, request: Request<Body>) -> (Request<Body>, bool) {
        let (mut parts, body) = request.into_parts();
        let mut changed = self.headers(&mut parts.headers);
        if let Some(method) = &self.method {
            parts.method.clone_from(method);
            changed = true;
        }
        if let Some(path) = &self.path {
            parts.uri = with_path(parts.uri, path);
            changed = true;
        }
        let (body, new) = self.body(&mut parts.headers, body).await;
        (Request::from_parts(parts, body), changed | new)
    }

    /// The response changed; whether anything was.
    pub(crate) async fn response(&self, response: Response<Body>) -> (Response<Body>, bool) {
        let (mut parts, body) = response.into_parts();
        let mut changed = self.headers(&mut parts.headers);
        if let Some(status) = self.status {
            parts.status = status;
            changed = true;
        }
        let (body, new) = self.body(&mut parts.headers, body).await;
        (Response::from_parts(parts, body), changed | new)
    }

    fn headers(&self, headers: &mut HeaderMap) -> bool {
        let mut changed = !self.set.is_empty() || !self.add.is_empty();
        for name in &self.remove {
            changed |= headers.remove(name).is_some();
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
        changed
    }

    async fn body(&self, headers: &mut HeaderMap, body: Body) -> (Body, bool) {
        let new = match &self.body {
            None => return (body, false),
            Some(NewBody::Whole(bytes)) => {
                // It says how the old one was compressed.
                headers.remove(header::CONTENT_ENCODING);
                bytes.clone()
            }
            Some(NewBody::Merge(patch)) => {
                if !is_json(headers) {
                    return (body, false);
                }
                let bytes = match body.collect(Self::MOST).await {
                    Ok(bytes) => bytes,
                    Err(body) => return (body, false),
                };
                let Ok(mut document) = serde_json::from_slice(&bytes) else {
                    return (Body::Whole(bytes), false);
                };
                merge(&mut document, patch);
                document.to_string().into()
            }
        };
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::TRAILER);
        (Body::Whole(new), true)
    }
}

/// Changes on a proxy.
#[derive(Debug)]
pub(crate) struct Rewrites {
    rewrite: Rewrite,
    direction: Direction,
}

impl Rewrites {
    /// Those of one message, if there are any.
    pub(crate) fn new(rewrite: Rewrite, direction: Direction) -> Option<Self> {
        (rewrite != Rewrite::default()).then_some(Self { rewrite, direction })
    }
}

impl Effect for Rewrites {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn step(&self, _: &mut StdRng) -> Step<'_> {
        Step::Rewrite(&self.rewrite)
    }

    fn reads_responses(&self) -> bool {
        let merges = matches!(self.rewrite.body, Some(NewBody::Merge(_)));
        self.direction == Direction::Downstream && merges
    }
}

/// The URI with another path.
fn with_path(uri: Uri, path: &PathAndQuery) -> Uri {
    let mut parts: Parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.clone());
    // A path can always be replaced where there was one.
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Whether it is a JSON document that can be read as it is.
fn is_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    let plain = text(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    plain
        && !is_coded(headers)
        && (media_type == "application/json" || media_type.ends_with("+json"))
}

/// Applies a merge patch (RFC 7396, section 2).
fn merge(document: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        document.clone_from(patch);
        return;
    };
    if !document.is_object() {
        *document = Json::Object(serde_json::Map::new());
    }
    let Json::Object(document) = document else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            document.remove(name);
        } else {
            merge(document.entry(name.as_str()).or_insert(Json::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_does_what_its_specification_shows() {
        // RFC 7396, appendix A.
        for (document, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            let mut merged = document.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{document} and {patch}");
        }
    }

    #[test]
    fn only_json_that_can_be_read_is_read() {
        let is = |media_type: &str, encoding: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, media_type.parse().unwrap());
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            }
            is_json(&headers)
        };
        assert!(is("application/json", None) && is("Application/JSON; charset=utf-8", None));
        assert!(is("application/problem+json", Some("identity")));
        assert!(!is("application/json", Some("gzip")) && !is("text/plain", None));
        assert!(!is_json(&HeaderMap::new()));
    }
}
