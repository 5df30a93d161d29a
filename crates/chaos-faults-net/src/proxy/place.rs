//! Putting a fault on proxies.

use super::{
    effect::{Effect, Hits},
    shared::Shared,
    transport::Transport,
};
use crate::connections::{Connections, Picked};
use chaos_core::{Change, FaultError, Held, InProcess, Plan, Reach, Seed, Site};
use std::sync::Arc;

/// What to do when the fault is asked for where there is no proxy.
const USE_A_PROXY: &str = "this fault works on a proxy only: put a proxy in front of the dependency \
    (`proxy: { upstream: \"host:port\" }`, in Rust `Proxy::in_front_of`) and use that as the target";

/// Whether a site is a proxy.
pub(crate) fn is_a_proxy(site: &Site) -> bool {
    site.scheme() == "proxy" || site.handle::<Shared>().is_some()
}

/// The proxies behind the sites.
pub(crate) fn proxies(sites: &[Site]) -> Result<Vec<Arc<Shared>>, FaultError> {
    let proxy = |site: &Site| {
        site.handle::<Shared>()
            .ok_or_else(|| FaultError::unsupported(site.to_string(), USE_A_PROXY))
    };
    sites.iter().map(proxy).collect()
}

/// Whether one of the sites is a proxy for streams.
pub(crate) fn has_streams(sites: &[Site]) -> bool {
    let proxies = sites.iter().filter_map(Site::handle::<Shared>);
    proxies
        .into_iter()
        .any(|proxy| proxy.transport() == Transport::Tcp)
}

/// Plans to put `effect` on each of the proxies, for some of their connections; `what` reads before `on proxy`.
pub(crate) fn plan_on_proxies<E: Effect + Clone>(
    effect: &E,
    connections: &Connections,
    what: &str,
    sites: &[Site],
    seed: Seed,
) -> Result<Plan, FaultError> {
    let picked = connections.build()?;
    let put = |proxy: Arc<Shared>| Put {
        change: change(what, &proxy, connections),
        effect: Arc::new(effect.clone()),
        picked: picked.clone(),
        seed,
        proxy,
    };
    let proxies = proxies(sites)?;
    for proxy in &proxies {
        let picking = connections.refuses(proxy.address());
        if let Some(reason) = effect.refuses(proxy.transport()).or(picking) {
            return Err(FaultError::unsupported(proxy.to_string(), reason));
        }
    }
    let proxies = proxies.into_iter();
    Ok(proxies.map(put).fold(Plan::new(), Plan::then_in_process))
}

/// One line of the plan.
pub(crate) fn change(what: &str, proxy: &Shared, connections: &Connections) -> Change {
    Change::new(
        format!("{what} on {proxy}{connections}"),
        format!("proxy {}", proxy.address()),
        Reach::Process,
    )
}

/// A fault that is to be put on one proxy.
#[derive(Debug)]
struct Put {
    change: Change,
    effect: Arc<dyn Effect>,
    picked: Picked,
    seed: Seed,
    proxy: Arc<Shared>,
}

impl InProcess for Put {
    type Held = InPlace;

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn apply(&self) -> Result<InPlace, FaultError> {
        Ok(InPlace::put(
            &self.proxy,
            Arc::clone(&self.effect),
            self.picked.clone(),
            self.seed,
        ))
    }
}

/// A fault that is on a proxy. Dropping it takes the fault off.
#[derive(Debug)]
pub(crate) struct InPlace {
    proxy: Arc<Shared>,
    id: u64,
    hits: Hits,
}

impl InPlace {
    pub(crate) fn put(
        proxy: &Arc<Shared>,
        effect: Arc<dyn Effect>,
        picked: Picked,
        seed: Seed,
    ) -> Self {
        let hits = Hits::default();
        let effect = effect.for_one_proxy().unwrap_or(effect);
        Self {
            proxy: Arc::clone(proxy),
            id: proxy.put(effect, picked, seed, hits.clone()),
            hits,
        }
    }

    /// Puts something else in its place, in the same order among the others.
    #[cfg(feature = "toxiproxy")]
    pub(crate) fn replace(&self, effect: Arc<dyn Effect>, seed: Seed) {
        self.proxy.replace(self.id, effect, seed);
    }

    /// Takes the fault off; doing it again does nothing.
    pub(crate) fn take_off(&self) {
        self.proxy.take_off(self.id);
    }

    /// The proxy it is on.
    pub(crate) fn proxy(&self) -> &Shared {
        &self.proxy
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        self.take_off();
    }
}

impl Held for InPlace {
    fn in_place(&self) -> bool {
        self.proxy.holds(self.id)
    }

    fn hits(&self) -> Option<u64> {
        Some(self.hits.get())
    }

    fn release(self) -> Result<(), FaultError> {
        drop(self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blackhole, Loss, Proxy, Reset};
    use std::{
        io::{Error, ErrorKind, Read, Write},
        net::{TcpListener, TcpStream},
        time::{Duration, Instant},
    };

    /// A client of a proxy in front of a server that echoes to each client.
    async fn echo() -> (Proxy, TcpStream) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut copy = stream.try_clone().unwrap();
                    std::io::copy(&mut stream, &mut copy).ok();
                });
            }
        });
        let proxy = Proxy::in_front_of(address.to_string()).await.unwrap();
        let client = connect(&proxy);
        (proxy, client)
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let limit = Some(Duration::from_secs(20));
        client.set_read_timeout(limit).unwrap();
        client.set_nodelay(true).unwrap();
        ping(&mut client).unwrap();
        client
    }

    fn ping(client: &mut TcpStream) -> Result<Duration, Error> {
        let start = Instant::now();
        client.write_all(b"x")?;
        client.read_exact(&mut [0])?;
        Ok(start.elapsed())
    }

    fn put(proxy: &Proxy, effect: impl Effect, seed: u64) -> InPlace {
        let effect = Arc::new(effect);
        InPlace::put(proxy.shared(), effect, Picked::default(), Seed::new(seed))
    }

    /// Which of 30 messages were late.
    async fn late(seed: u64, connections_before: usize) -> Vec<bool> {
        let (proxy, _client) = echo().await;
        // They stay open: the end of a stream can get lost, too, and would be counted.
        let _before: Vec<_> = (0..connections_before).map(|_| connect(&proxy)).collect();
        let fault = put(
            &proxy,
            Loss::percent(20.0).direction(crate::Direction::Downstream),
            seed,
        );
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let late = (0..30).map(|_| ping(&mut client).unwrap() >= Duration::from_millis(200));
        let late: Vec<bool> = late.collect();
        let hits = usize::try_from(fault.hits().unwrap()).unwrap();
        assert_eq!(hits, late.iter().filter(|late| **late).count());
        late
    }

    #[tokio::test]
    async fn the_same_seed_hits_the_same_messages() {
        let one = late(7, 0).await;
        assert_eq!(one, late(7, 3).await);
        assert_ne!(one, late(8, 0).await);
        assert!(one.contains(&true) && one.contains(&false), "{one:?}");
    }

    /// Which connections are cut when half of them are to be: ten from before the fault and ten from after.
    async fn cut(seed: u64) -> Vec<bool> {
        let (proxy, _client) = echo().await;
        let mut clients: Vec<_> = (0..10).map(|_| Ok(connect(&proxy))).collect();
        let half = Connections {
            toxicity: Some(50.0),
            clients: None,
        };
        let (effect, half) = (Arc::new(Reset::new()), half.build().unwrap());
        let fault = InPlace::put(proxy.shared(), effect, half, Seed::new(seed));
        clients.extend((0..10).map(|_| TcpStream::connect(proxy.address())));
        let broken = |client: Result<TcpStream, Error>| {
            let echo = client.and_then(|mut client| ping(&mut client));
            echo.is_err()
        };
        let cut: Vec<bool> = clients.into_iter().map(broken).collect();
        assert!(fault.hits().unwrap() > 0);
        cut
    }

    #[tokio::test]
    async fn the_same_seed_hits_the_same_connections() {
        let one = cut(7).await;
        assert!(one.contains(&true) && one.contains(&false), "{one:?}");
        assert_eq!(one, cut(7).await);
        assert_ne!(one, cut(8).await);
    }

    #[tokio::test]
    async fn a_reset_that_is_over_at_once_still_cuts() {
        let (proxy, mut client) = echo().await;
        for _ in 0..100 {
            let fault = put(&proxy, Reset::new(), 1);
            fault.release().unwrap();
            let error = client.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            client = connect(&proxy);
        }
    }

    #[tokio::test]
    async fn a_fault_on_a_closed_proxy_is_not_in_place() {
        let (proxy, _client) = echo().await;
        let fault = put(&proxy, Blackhole::new(), 1);
        let shut = crate::refuse::shut(proxy.shared()).unwrap();
        assert!(fault.in_place() && shut.in_place());
        let address = proxy.address();
        drop(proxy);
        assert!(!fault.in_place() && !shut.in_place());
        shut.release().unwrap();
        fault.release().unwrap();
        // And the port was not taken again.
        TcpListener::bind(address).unwrap();
    }
}
