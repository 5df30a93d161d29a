//! What went through the proxies, for `/metrics`.

use crate::{direction::Flow, proxy::Shared};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Name, listener and upstream of a proxy.
type Labels = [String; 3];
/// Bytes received and sent, requests and responses.
type Counts = [[u64; 2]; 2];

const FLOWS: [Flow; 2] = [Flow::Upstream, Flow::Downstream];

/// What went through the proxies, also through those that are closed.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Whether anybody wants to know.
    counts: bool,
    live: Vec<(Labels, Arc<Shared>)>,
    over: BTreeMap<Labels, Counts>,
    /// From how many on those that are over are looked for.
    full: usize,
}

impl Ledger {
    /// So few need not be looked through.
    const FEW: usize = 64;

    pub(super) const fn new(counts: bool) -> Self {
        Self {
            counts,
            live: Vec::new(),
            over: BTreeMap::new(),
            full: Self::FEW,
        }
    }

    /// Counts what goes through a proxy from now on.
    pub(super) fn opened(&mut self, labels: [&str; 3], proxy: &Arc<Shared>) {
        if !self.counts {
            return;
        }
        if self.live.len() >= self.full {
            self.close_the_books();
            self.full = (self.live.len() * 2).max(Self::FEW);
        }
        let labels = labels.map(str::to_owned);
        self.live.push((labels, Arc::clone(proxy)));
    }

    /// Keeps only the counts of proxies that nobody and no connection holds any more.
    fn close_the_books(&mut self) {
        let over = &mut self.over;
        self.live.retain(|(labels, proxy)| {
            let is_over = Arc::strong_count(proxy) == 1;
            if is_over {
                add(over, labels, proxy);
            }
            !is_over
        });
    }

    fn sums(&self) -> BTreeMap<Labels, Counts> {
        let mut sums = self.over.clone();
        for (labels, proxy) in &self.live {
            add(&mut sums, labels, proxy);
        }
        sums
    }
}

fn add(to: &mut BTreeMap<Labels, Counts>, labels: &Labels, proxy: &Shared) {
    let new = FLOWS.map(|flow| proxy.moved().way(flow).received_and_sent());
    let sum = to.entry(labels.clone()).or_default();
    for (sum, new) in sum.iter_mut().flatten().zip(new.as_flattened()) {
        *sum += new;
    }
}

/// In the text format of Prometheus.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sums = self.sums();
        for (which, (metric, help)) in [
            (
                "received",
                "The total number of bytes received on a given proxy link in a given direction",
            ),
            (
                "sent",
                "The total number of bytes sent on a given proxy link in a given direction",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let metric = format!("toxiproxy_proxy_{metric}_bytes_total");
            writeln!(f, "# HELP {metric} {help}\n# TYPE {metric} counter")?;
            for (labels, counts) in &sums {
                let [proxy, listener, upstream] = labels.each_ref().map(|label| escaped(label));
                for (flow, counts) in FLOWS.into_iter().zip(counts) {
                    let (direction, count) = (flow.name(), counts[which]);
                    writeln!(
                        f,
                        "{metric}{{direction=\"{direction}\",listener=\"{listener}\",\
                         proxy=\"{proxy}\",upstream=\"{upstream}\"}} {count}"
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Proxy;
    use std::time::{Duration, Instant};

    /// A proxy through which three bytes went.
    async fn proxy(ledger: &mut Ledger, name: &str) -> Proxy {
        let proxy = Proxy::in_front_of("127.0.0.1:1").await.unwrap();
        ledger.opened([name, "", ""], proxy.shared());
        proxy.shared().moved().way(Flow::Upstream).copied(3);
        proxy
    }

    #[tokio::test]
    async fn of_those_that_are_over_only_the_counts_are_kept() {
        const MANY: u64 = 3 * Ledger::FEW as u64;
        let mut ledger = Ledger::new(true);
        let _lives = proxy(&mut ledger, "lives").await;
        for _ in 0..MANY {
            drop(proxy(&mut ledger, "over").await);
            let (start, (_, over)) = (Instant::now(), ledger.live.last().unwrap());
            while Arc::strong_count(over) > 1 {
                assert!(start.elapsed() < Duration::from_secs(20), "it is held");
                tokio::task::yield_now().await;
            }
            assert!(ledger.live.len() <= Ledger::FEW);
        }
        assert_eq!(ledger.live[0].0[0], "lives");
        let sums: Vec<_> = ledger.sums().into_iter().collect();
        let told = sums.iter().map(|([name, ..], [[up, _], _])| (&**name, *up));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("lives", 3), ("over", 3 * MANY)]);
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
