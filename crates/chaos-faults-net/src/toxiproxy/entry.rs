//! One proxy of the API, and the toxics on it.

use super::{
    effect::Poison, error::ApiError, json, json::Fields, ledger::Ledger, listen::Listen,
    toxic::Toxic,
};
use crate::{
    Proxy,
    connections::Picked,
    direction::Flow,
    proxy::{InPlace, Shared},
};
use chaos_core::Seed;
use serde::Serialize;
use std::sync::Arc;

/// One proxy of the API: what it was told, and what runs while it is enabled.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    /// As it was given, or where it listens.
    listen: String,
    upstream: String,
    running: Option<Proxy>,
    /// In the order in which they were added, both ways.
    toxics: Vec<Placed>,
    seed: Seed,
    /// How often any of its toxics was touched.
    touched: u64,
}

/// A toxic, and what is on the proxy for it.
#[derive(Debug)]
struct Placed {
    toxic: Toxic,
    /// Since it was touched last.
    seed: Seed,
    in_place: Option<InPlace>,
}

impl Placed {
    fn poison(&self) -> Arc<Poison> {
        Arc::new(Poison::of(&self.toxic))
    }

    fn put(&mut self, proxy: &Arc<Shared>) {
        let all = Picked::default();
        self.in_place = Some(InPlace::put(proxy, self.poison(), all, self.seed));
    }
}

impl Entry {
    /// It is disabled.
    pub(super) fn new(name: String, listen: String, upstream: String, seed: Seed) -> Self {
        Self {
            name,
            listen,
            upstream,
            running: None,
            toxics: Vec::new(),
            seed,
            touched: 0,
        }
    }

    pub(super) fn listen(&self) -> &str {
        &self.listen
    }

    pub(super) const fn is_enabled(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it would be another one with these addresses.
    pub(super) fn differs(&self, listen: &Listen, upstream: &str) -> bool {
        self.listen != listen.found() || self.upstream != upstream
    }

    /// Listens, if it does not yet; the toxics are there before the first client is.
    pub(super) fn start(&mut self, listen: &Listen, ledger: &mut Ledger) -> Result<(), ApiError> {
        if self.is_enabled() {
            return Ok(());
        }
        let proxy = listen.open(|address| {
            let toxics = &mut self.toxics;
            let put = |proxy: &Arc<Shared>| toxics.iter_mut().for_each(|toxic| toxic.put(proxy));
            Proxy::serve(self.name.clone(), address, dialled(&self.upstream), put)
        })?;
        self.listen = proxy.address().to_string();
        ledger.opened([&self.name, &self.listen, &self.upstream], proxy.shared());
        tracing::info!(proxy = %proxy.shared(), toxics = self.toxics.len(), "enabled");
        self.running = Some(proxy);
        Ok(())
    }

    /// Closes the port and every connection; the toxics stay for the next start. The proxy goes before what is on it, so
    /// that its connections do not feel that toxics are taken off.
    pub(super) fn stop(&mut self) {
        if let Some(proxy) = self.running.take() {
            tracing::info!(proxy = %proxy.shared(), "disabled");
        }
        for placed in &mut self.toxics {
            placed.in_place = None;
        }
    }

    /// Changes what is said. Another address restarts it; if that fails, it stays disabled.
    pub(super) fn update(
        &mut self,
        listen: &Listen,
        upstream: Option<&str>,
        enabled: Option<bool>,
        ledger: &mut Ledger,
    ) -> Result<(), ApiError> {
        let enabled = enabled.unwrap_or(self.is_enabled());
        let upstream = upstream.unwrap_or(&self.upstream);
        if self.differs(listen, upstream) {
            self.upstream = upstream.to_owned();
            self.listen = listen.given().to_owned();
            self.stop();
        }
        match enabled {
            true => self.start(listen, ledger),
            false => {
                self.stop();
                Ok(())
            }
        }
    }

    /// Adds a toxic; live connections feel it at once.
    pub(super) fn add_toxic(&mut self, said: Fields) -> Result<&Toxic, ApiError> {
        let taken = |name: &str| self.position(name).is_ok();
        let toxic = Toxic::read(said, taken)?;
        let seed = self.touch(toxic.name());
        let mut placed = Placed {
            toxic,
            seed,
            in_place: None,
        };
        if let Some(proxy) = &self.running {
            placed.put(proxy.shared());
            tracing::info!(proxy = self.name, toxic = %placed.toxic, "added");
        }
        self.toxics.push(placed);
        let last = self.toxics.last().map(|placed| &placed.toxic);
        last.ok_or(ApiError::TOXIC_NOT_FOUND)
    }

    /// Changes a toxic; live connections feel it at once.
    pub(super) fn update_toxic(&mut self, name: &str, said: Fields) -> Result<&Toxic, ApiError> {
        let at = self.position(name)?;
        let changed = self.toxics[at].toxic.changed(said)?;
        let seed = self.touch(name);
        let placed = &mut self.toxics[at];
        placed.toxic = changed;
        placed.seed = seed;
        if let Some(in_place) = &placed.in_place {
            in_place.replace(placed.poison(), seed);
            tracing::info!(proxy = self.name, toxic = %placed.toxic, "changed");
        }
        Ok(&placed.toxic)
    }

    /// Removes a toxic; live connections feel it at once.
    pub(super) fn remove_toxic(&mut self, name: &str) -> Result<(), ApiError> {
        let at = self.position(name)?;
        drop(self.toxics.remove(at));
        tracing::info!(proxy = self.name, toxic = name, "removed");
        Ok(())
    }

    /// Removes all toxics.
    pub(super) fn clear(&mut self) {
        self.toxics.clear();
        tracing::info!(proxy = self.name, "all toxics removed");
    }

    pub(super) fn toxic(&self, name: &str) -> Result<&Toxic, ApiError> {
        self.position(name).map(|at| &self.toxics[at].toxic)
    }

    /// Its toxics, first those of the requests.
    pub(super) fn toxics(&self) -> Vec<&Toxic> {
        let flows = [Flow::Upstream, Flow::Downstream].into_iter();
        let of = |flow| self.toxics.iter().filter(move |t| t.toxic.flow() == flow);
        flows.flat_map(of).map(|placed| &placed.toxic).collect()
    }

    /// As the API tells it.
    pub(super) fn view(&self) -> View<'_> {
        View {
            name: &self.name,
            listen: &self.listen,
            upstream: &self.upstream,
            enabled: self.is_enabled(),
            logger: Nothing {},
            toxics: self.toxics(),
        }
    }

    pub(super) fn json(&self) -> Result<String, ApiError> {
        json::write(&self.view())
    }

    fn position(&self, name: &str) -> Result<usize, ApiError> {
        let named = |placed: &Placed| placed.toxic.name() == name;
        let found = self.toxics.iter().position(named);
        found.ok_or(ApiError::TOXIC_NOT_FOUND)
    }

    /// The seed of a toxic from now on.
    fn touch(&mut self, name: &str) -> Seed {
        self.touched += 1;
        self.seed.derive(name, self.touched)
    }
}

/// The address to connect to. One without a host is this host.
fn dialled(upstream: &str) -> String {
    match upstream.starts_with(':') {
        true => format!("localhost{upstream}"),
        false => upstream.to_owned(),
    }
}

/// A proxy as the API tells it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    listen: &'a str,
    upstream: &'a str,
    enabled: bool,
    /// Nobody needs it, and Toxiproxy tells it.
    #[serde(rename = "Logger")]
    logger: Nothing,
    toxics: Vec<&'a Toxic>,
}

#[derive(Debug, Serialize)]
struct Nothing {}
