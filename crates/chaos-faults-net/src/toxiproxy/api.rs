//! From a request to its answer.

use super::{
    answer::{self, Answer},
    body,
    entry::Entry,
    error::ApiError,
    json::{self, Fields},
    process,
    proxies::Proxies,
    route::Route,
    wanted::Wanted,
};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{HeaderName, HeaderValue, USER_AGENT},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// What a client may take and ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How long the head of a request may take, and how long a connection may be idle.
    pub(super) head: Duration,
    /// How long the body of a request may take.
    pub(super) body: Duration,
    /// How long a body may be.
    pub(super) bytes: usize,
    /// How long an answer may take to be found.
    pub(super) answer: Duration,
    /// How long a client may take nothing of it.
    pub(super) write: Duration,
}

impl Limits {
    pub(super) const DEFAULT: Self = Self {
        head: Duration::from_secs(60),
        body: Duration::from_secs(15),
        bytes: 8 * 1024 * 1024,
        answer: Duration::from_secs(25),
        write: Duration::from_secs(30),
    };
}

/// What the API is told once.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) proxies: Proxies,
    pub(super) version: String,
    pub(super) proxy_metrics: bool,
    pub(super) runtime_metrics: bool,
    pub(super) limits: Limits,
    /// The first part of the number of every request.
    pub(super) run: u64,
    pub(super) requests: AtomicU64,
}

impl Api {
    /// Answers a request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let metrics = self.proxy_metrics || self.runtime_metrics;
        let route = match Route::of(request.method(), request.uri().path(), metrics) {
            Ok(route) => route,
            Err(StatusCode::NOT_FOUND) => {
                return answer::refusal(StatusCode::NOT_FOUND, "404 page not found");
            }
            Err(status) => return answer::empty(status),
        };
        let mut answer = match is_browser(&request) {
            true => answer::refusal(StatusCode::FORBIDDEN, "User agent not allowed"),
            false => match timeout(self.limits.answer, self.carry_out(route, request)).await {
                Ok(done) => done.unwrap_or_else(|error| answer::error(&error)),
                Err(_) => answer::timed_out(),
            },
        };
        self.number(&mut answer);
        answer
    }

    async fn carry_out(
        &self,
        route: Route,
        request: Request<Incoming>,
    ) -> Result<Answer, ApiError> {
        let read = || body::read(request.into_body(), self.limits);
        let ok = |body| answer::json(StatusCode::OK, body);
        let none = |()| answer::empty(StatusCode::NO_CONTENT);
        let proxies = &self.proxies;
        match route {
            Route::Version => Ok(self.version()),
            Route::Metrics => self.metrics(),
            Route::Reset => proxies.reset().await.map(none),
            Route::Populate => {
                let (done, error) = match read().await.and_then(|body| Wanted::all(&body)) {
                    Ok(wanted) => proxies.populate(wanted).await,
                    Err(error) => (Vec::new(), Some(error)),
                };
                answer::populated(&done, error.as_ref())
            }
            Route::ListProxies => proxies.list().map(ok),
            Route::CreateProxy => {
                let wanted = Wanted::one(&read().await?)?;
                let made = proxies.create(wanted).await?;
                Ok(answer::json(StatusCode::CREATED, made))
            }
            Route::ShowProxy(proxy) => proxies.look(&proxy, Entry::json).map(ok),
            Route::UpdateProxy(proxy) => {
                proxies.look(&proxy, |_| Ok(()))?;
                let said = Fields::read(&read().await?)?;
                proxies.update(&proxy, said).await.map(ok)
            }
            Route::DeleteProxy(proxy) => proxies.delete(&proxy).map(none),
            Route::ListToxics(proxy) => {
                let list = |entry: &Entry| json::write(&entry.toxics());
                proxies.look(&proxy, list).map(ok)
            }
            Route::CreateToxic(proxy) => {
                proxies.look(&proxy, |_| Ok(()))?;
                let said = Fields::read(&read().await?)?;
                let add = |entry: &mut Entry| json::write(entry.add_toxic(said)?);
                proxies.change(&proxy, add).map(ok)
            }
            Route::ShowToxic(proxy, toxic) => {
                let show = |entry: &Entry| json::write(entry.toxic(&toxic)?);
                proxies.look(&proxy, show).map(ok)
            }
            Route::UpdateToxic(proxy, toxic) => {
                proxies.look(&proxy, |entry| entry.toxic(&toxic).map(drop))?;
                let said = Fields::read(&read().await?)?;
                let update = |entry: &mut Entry| json::write(entry.update_toxic(&toxic, said)?);
                proxies.change(&proxy, update).map(ok)
            }
            Route::DeleteToxic(proxy, toxic) => {
                let remove = |entry: &mut Entry| entry.remove_toxic(&toxic);
                proxies.change(&proxy, remove).map(none)
            }
        }
    }

    fn version(&self) -> Answer {
        let body = format!("{{\"version\": \"{}\"}}\n", self.version);
        answer::with(StatusCode::OK, "application/json;charset=utf-8", body)
    }

    fn metrics(&self) -> Result<Answer, ApiError> {
        let mut text = String::new();
        if self.proxy_metrics {
            text += &self.proxies.metrics()?;
        }
        if self.runtime_metrics {
            text += &process::metrics();
        }
        Ok(answer::metrics(text))
    }

    fn number(&self, answer: &mut Answer) {
        const NUMBER: HeaderName = HeaderName::from_static("x-toxiproxy-request-id");
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        let number = format!("{:010x}{n:010x}", self.run);
        if let Ok(number) = HeaderValue::try_from(number) {
            answer.headers_mut().insert(NUMBER, number);
        }
    }
}

/// A page in a browser could else be made to change the proxies.
fn is_browser(request: &Request<Incoming>) -> bool {
    let agent = request.headers().get(USER_AGENT);
    agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}
