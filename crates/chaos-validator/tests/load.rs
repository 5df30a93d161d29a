//! Loads against real servers, good and bad ones.

mod support;
#[path = "support/trace.rs"]
mod trace;

use chaos_core::{Observer, RunHandle, Secret, Seed, Verdict};
use chaos_validator::{
    Class, ClosureLoad, Counts, Exchange, HttpLoad, HttpRequest, Load, Recording,
    measure::{Detector, Metrics},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Server, Service, balanced, ms, nobody, run_until, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trace::Trace;

fn classes(recording: &Recording) -> BTreeSet<Class> {
    recording
        .exchanges()
        .iter()
        .map(Exchange::class)
        .filter(|class| class.counts())
        .collect()
}

/// The latency of good requests at a quantile.
fn latency(recording: &Recording, q: f64) -> Duration {
    let mut latencies: Vec<_> = recording
        .exchanges()
        .iter()
        .filter(|e| e.class().is_good())
        .map(Exchange::latency)
        .collect();
    latencies.sort();
    latencies[((latencies.len() - 1) as f64 * q) as usize]
}

/// What is measured; again, up to three times in all, where the machine had no time for the generator or the server.
async fn measured<T>(measure: impl AsyncFn() -> T, was_calm: impl Fn(&T) -> bool) -> T {
    for _ in 1..3 {
        let found = measure().await;
        if was_calm(&found) {
            return found;
        }
    }
    measure().await
}

/// That the generator sent everything, and when it was due.
fn is_on_time(recording: &Recording) -> bool {
    recording.counts().unsent == 0 && late(recording) <= 5
}

/// How many requests the generator itself sent too late.
fn late(recording: &Recording) -> usize {
    let exchanges = recording.exchanges().iter();
    exchanges.filter(|e| e.late() > ms(50)).count()
}

/// A server that gave no answer between two times of a run, and what a load saw of it.
struct Frozen {
    recording: Recording,
    start: Duration,
    end: Duration,
    /// How long the run was.
    watched: Duration,
}

impl Frozen {
    async fn during(service: &Service, load: &HttpLoad, length: Duration) -> Self {
        let run = RunHandle::detached("freeze", Seed::new(1));
        load.start(&run).await.unwrap();
        until("it runs", || load.counts().good >= 50).await;
        let start = run.elapsed();
        service.knobs.frozen.send_replace(true);
        tokio::time::sleep(length).await;
        service.knobs.frozen.send_replace(false);
        let end = run.elapsed();
        let thawed = load.counts().done();
        until("it runs again", || load.counts().done() >= thawed + 200).await;
        load.finish().await;
        Self {
            recording: load.recording(),
            start,
            end,
            watched: run.elapsed(),
        }
    }

    /// That nothing but the freeze kept anybody from anything.
    fn was_calm(&self) -> bool {
        let meanwhile = self.start.saturating_sub(ms(50))..self.end + ms(50);
        let mut others = self.recording.exchanges().iter();
        is_on_time(&self.recording)
            && others.all(|e| meanwhile.contains(&e.intended()) || e.latency() < ms(100))
    }
}

#[tokio::test]
async fn the_latency_of_a_known_server_is_measured() {
    let service = Service::start();
    service.knobs.delay_ms.store(20, Ordering::SeqCst);
    let recording = run_until(&HttpLoad::get(service.url()).rate(100.0), 100).await;
    assert_eq!(recording.counts().bad, 0, "{:?}", recording.counts());
    assert!(latency(&recording, 0.0) >= ms(20));
    let median = latency(&recording, 0.5);
    assert!(median < ms(45), "{median:?}");
}

#[tokio::test]
async fn the_newest_part_can_be_looked_at_alone() {
    let service = Service::start();
    let load = HttpLoad::get(service.url()).rate(200.0);
    let all = run_until(&load, 60).await;
    let from = all.exchanges()[40].done();
    let recent = load.recent(from);
    assert!(recent.exchanges().iter().all(|e| e.done() >= from));
    let later = all.exchanges().iter().filter(|e| e.done() >= from).count();
    assert_eq!(recent.exchanges().len(), later);
    balanced(&recent);
}

#[tokio::test]
async fn the_failures_of_a_server_are_counted_exactly() {
    let service = Service::start();
    service.knobs.fail_every.store(7, Ordering::SeqCst);
    let recording = run_until(&HttpLoad::get(service.url()).rate(300.0), 400).await;
    let counts = recording.counts();
    let seen = service.knobs.seen.load(Ordering::SeqCst);
    let failed = service.knobs.failed.load(Ordering::SeqCst);
    assert_eq!((counts.done(), counts.bad), (seen, failed));
    assert_eq!(failed, seen / 7);
    let failure = recording.exchanges().iter().find(|e| e.class().is_bad());
    assert_eq!(failure.and_then(|e| e.status()), Some(500));
}

/// A closed loop would send nothing during the freeze and report it as one slow request per connection.
#[tokio::test]
async fn a_freeze_is_in_the_latency_of_all_that_it_delayed() {
    let freeze = async || {
        let service = Service::start();
        let load = HttpLoad::get(service.url())
            .rate(100.0)
            .slots(8)
            .timeout(Duration::from_secs(3));
        let frozen = Frozen::during(&service, &load, ms(1000)).await;
        assert!(service.knobs.most_at_once.load(Ordering::SeqCst) <= 8);
        frozen
    };
    let frozen = measured(freeze, Frozen::was_calm).await;
    let recording = &frozen.recording;
    balanced(recording);
    // A busy machine may have taken longer than it was asked to.
    let length = frozen.end - frozen.start;
    let p99 = latency(recording, 0.99);
    assert!(
        p99 + ms(100) > length && p99 < length + ms(400),
        "{p99:?} of {length:?}"
    );
    // Every hundredth of a second of the freeze has its request, and it waited for the end of it.
    let (from, to) = (frozen.start + ms(50), frozen.end - ms(150));
    let delayed = recording.between(from, to);
    let due = ((to - from).as_secs_f64() * 100.0) as usize;
    assert!(
        delayed.len().abs_diff(due) <= 1,
        "{} of {due}",
        delayed.len()
    );
    assert!(delayed.iter().all(|e| e.latency() > ms(100)));
    // What waited for a slot waited for the target: the generator itself was on time.
    assert!(late(recording) <= 5, "{}", late(recording));
}

#[tokio::test]
async fn a_target_that_is_down_is_not_steady() {
    let load = HttpLoad::get(format!("http://{}/", nobody().await)).rate(100.0);
    let run = RunHandle::detached("down", Seed::new(1));
    load.start(&run).await.unwrap();
    until("refused", || load.recording().counts().bad >= 10).await;
    let verdict = load.steady();
    assert!(
        matches!(&verdict, Verdict::Deviated { why } if why.contains("refused")),
        "{verdict}"
    );
    load.finish().await;
    assert_eq!(classes(&load.recording()), [Class::Refused].into());
    balanced(&load.recording());
}

#[tokio::test]
async fn a_target_that_never_answers_holds_every_slot_and_nothing_else() {
    let server = Server::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let load = HttpLoad::get(server.url())
        .rate(100.0)
        .slots(4)
        .timeout(ms(300));
    let ask = async || {
        let run = RunHandle::detached("silent", Seed::new(1));
        load.start(&run).await.unwrap();
        until("requests wait", || load.recording().counts().bad >= 60).await;
        let verdict = load.steady();
        let finishing = Instant::now();
        load.finish().await;
        (load.recording(), verdict, finishing.elapsed())
    };
    let (recording, verdict, finishing) = measured(ask, |(seen, ..)| is_on_time(seen)).await;
    assert!(matches!(verdict, Verdict::Deviated { .. }), "{verdict}");
    assert!(finishing < ms(1500), "{finishing:?}");
    balanced(&recording);
    let counts = recording.counts();
    assert_eq!(counts.good, 0);
    assert!(counts.unsent * 20 < counts.planned, "{counts:?}");
    assert_eq!(classes(&recording), [Class::Timeout, Class::NoSlot].into());
    let longest = recording.exchanges().iter().map(|e| e.latency()).max();
    assert!(longest.unwrap() < ms(1000), "{longest:?}");
}

#[tokio::test]
async fn bad_answers_are_told_apart() {
    let early = Server::raw(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
        stream.write_all(head).await.ok();
    });
    let silent = Server::raw(|stream| async move { drop(stream) });
    let garbage = Server::raw(|mut stream| async move {
        stream.write_all(b"\0\xffgarbage\n\n\n").await.ok();
    });
    let circle = Server::raw(|mut stream| async move {
        let head =
            b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(head).await.ok();
    });
    for (server, class) in [
        (early, Class::Reset),
        (silent, Class::Reset),
        (garbage, Class::BadBody),
        (circle, Class::BadStatus),
    ] {
        let recording = run_until(&HttpLoad::get(server.url()).rate(200.0), 30).await;
        assert_eq!(classes(&recording), [class].into());
    }
}

/// Who speaks HTTP/1.1 only, or something else, does not speak HTTP/2; who closes has not said that.
#[tokio::test]
async fn what_is_no_http2_is_told_from_a_reset() {
    let old = Server::raw(|mut stream| async move {
        let head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(head).await.ok();
        // Closing with something unread would be a reset.
        while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
    });
    let silent = Server::raw(|stream| async move { drop(stream) });
    for (server, class) in [(old, Class::BadBody), (silent, Class::Reset)] {
        let load = HttpLoad::get(server.url()).http2().rate(25.0);
        let ask = async || run_until(&load, 25).await;
        let recording = measured(ask, |seen| alone(seen).count() > 0).await;
        // Of two on one connection, the other may find it closed by the answer to the first.
        assert!(classes(&recording).is_subset(&[class, Class::Reset].into()));
        let found: BTreeSet<_> = alone(&recording).map(Exchange::class).collect();
        assert_eq!(found, [class].into());
    }
}

/// The requests that had the target to themselves.
fn alone(recording: &Recording) -> impl Iterator<Item = &Exchange> {
    let neighbours = recording.exchanges().windows(3);
    let alone = neighbours.filter(|three| {
        three[0].done() + ms(5) < three[1].intended() && three[1].done() < three[2].intended()
    });
    alone.map(|three| &three[1])
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit_or_the_timeout() {
    async fn endless(mut stream: tokio::net::TcpStream, pause: Duration) {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut sent = stream.write_all(head).await;
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "x".repeat(1 << 16));
        while sent.is_ok() {
            tokio::time::sleep(pause).await;
            sent = stream.write_all(chunk.as_bytes()).await;
        }
    }
    let flood = Server::raw(|stream| endless(stream, Duration::ZERO));
    let load = HttpLoad::get(flood.url()).rate(4.0).slots(1);
    let recording = run_until(&load, 2).await;
    assert!(
        classes(&recording).is_subset(&[Class::BadBody, Class::Timeout, Class::NoSlot].into()),
        "{:?}",
        classes(&recording)
    );
    assert_eq!(recording.counts().good, 0);
    let drip = Server::raw(|stream| endless(stream, ms(50)));
    let load = HttpLoad::get(drip.url()).rate(20.0).timeout(ms(300));
    assert_eq!(classes(&run_until(&load, 5).await), [Class::Timeout].into());
}

#[tokio::test]
async fn a_slow_load_keeps_one_connection() {
    let connections = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&connections);
    let server = Server::raw(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            let mut head = [0; 1024];
            while stream.write_all(answer).await.is_ok() {
                use tokio::io::AsyncReadExt;
                if !matches!(stream.read(&mut head).await, Ok(1..)) {
                    return;
                }
            }
        }
    });
    let recording = run_until(&HttpLoad::get(server.url()).rate(50.0), 50).await;
    assert_eq!(recording.counts().bad, 0);
    // Whatever is still under way when the next is due needs one more.
    let exchanges = recording.exchanges().iter();
    let slow = exchanges.filter(|e| e.latency() > ms(20)).count() as u64;
    let connections = connections.load(Ordering::SeqCst);
    assert!(
        connections <= 1 + slow,
        "{connections} connections, {slow} slow requests"
    );
}

#[tokio::test]
async fn errors_and_panics_of_a_closure_are_failures() {
    let n = AtomicU64::new(0);
    let load = ClosureLoad::new(move || {
        let n = n.fetch_add(1, Ordering::SeqCst);
        async move {
            match n % 4 {
                0 => Err("refused by the closure".into()),
                1 => panic!("on purpose"),
                _ => Ok(()),
            }
        }
    })
    .rate(200.0)
    .timeout(Duration::from_secs(20));
    let run = RunHandle::detached("panics", Seed::new(1));
    load.start(&run).await.unwrap();
    // The trace of a panic takes its time, in which nothing is sent.
    until("both are seen", || {
        let counts = load.counts();
        counts.good.min(counts.bad) >= 10
    })
    .await;
    load.finish().await;
    let recording = load.recording();
    balanced(&recording);
    assert_eq!(classes(&recording), [Class::Ok, Class::Failed].into());
    let counts = recording.counts();
    assert!(counts.bad.abs_diff(counts.good) <= 2, "{counts:?}");
}

/// A closure that blocks the generator's thread makes the instrument late, not the target bad.
#[tokio::test]
async fn a_generator_that_is_late_blames_itself() {
    let blocked = async || {
        let (n, length) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
        let slept = Arc::clone(&length);
        let load = ClosureLoad::new(move || {
            if n.fetch_add(1, Ordering::SeqCst) == 20 {
                let start = Instant::now();
                std::thread::sleep(ms(500));
                slept.store(start.elapsed().as_millis() as u64, Ordering::SeqCst);
            }
            async { Ok(()) }
        })
        .rate(100.0);
        let counts: Counts = run_until(&load, 120).await.counts();
        (counts, length.load(Ordering::SeqCst) / 10)
    };
    // A machine that blocks it at other moments, too, has more unsent than were due in this one.
    let (counts, due) = measured(blocked, |(counts, due)| counts.unsent <= due + 10).await;
    assert!(
        (due - 20..=due + 10).contains(&counts.unsent),
        "{counts:?} of {due}"
    );
    assert_eq!(counts.bad, 0, "{counts:?}");
}

#[tokio::test]
async fn dropping_a_load_ends_its_thread() {
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    let load = ClosureLoad::new(move || {
        let held = Arc::clone(&held);
        async move {
            // Never ready: the load has to drop it.
            let _held = held;
            std::future::pending().await
        }
    });
    load.start(&RunHandle::detached("drop", Seed::new(1)))
        .await
        .unwrap();
    until("calls are under way", || weak.strong_count() > 3).await;
    drop(load);
    until("the thread is gone", || weak.upgrade().is_none()).await;
}

#[tokio::test]
async fn a_load_runs_once_at_a_time_and_again() {
    let service = Service::start();
    let load = HttpLoad::get(service.url()).rate(200.0);
    let first = run_until(&load, 20).await;
    let run = RunHandle::detached("again", Seed::new(1));
    load.start(&run).await.unwrap();
    let twice = load.start(&run).await.unwrap_err();
    assert!(twice.to_string().contains("already runs"), "{twice}");
    until("it runs again", || load.recording().counts().good >= 5).await;
    load.finish().await;
    let second = load.recording();
    balanced(&second);
    assert!(second.counts().planned < first.counts().planned + 200);
    let wrong = HttpLoad::get("http://").start(&run).await.unwrap_err();
    assert!(wrong.to_string().contains("url"), "{wrong}");
}

/// A redirect is an answer, and not what was asked for; one that leads to itself would never end.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::raw(|mut stream| async move {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.ok();
    });
    let recording = run_until(&HttpLoad::get(server.url()).rate(100.0), 20).await;
    let statuses: BTreeSet<_> = recording.exchanges().iter().map(|e| e.status()).collect();
    assert!(statuses.contains(&Some(302)), "{statuses:?}");
    assert_eq!(recording.counts().good, 0);
}

#[tokio::test]
async fn a_ramp_sends_more_and_more() {
    let service = Service::start();
    let load = HttpLoad::get(service.url()).ramp(20.0, 400.0, Duration::from_secs(2));
    let recording = run_until(&load, 400).await;
    let first = recording.exchanges()[0].intended();
    let between = |from, to| recording.between(first + ms(from), first + ms(to)).len();
    // A quarter of a second at the start and one in the middle: 20 per second and 95 more in it, and 210.
    let (start, middle) = (between(0, 250), between(875, 1125));
    assert!(start.abs_diff(11) <= 2, "{start}");
    assert!(middle.abs_diff(52) <= 3, "{middle}");
    assert_eq!(recording.rate(), 20.0);
}

#[tokio::test]
async fn a_mix_tells_its_endpoints_apart() {
    let service = Service::start();
    let good = HttpRequest::get(service.url()).weight(3).named("good");
    let missing = HttpRequest::get(format!("{}missing", service.url()));
    let load = HttpLoad::mix([good, missing]).rate(400.0);
    let recording = run_until(&load, 200).await;
    assert_eq!(recording.endpoints()[0], "good");
    for exchange in recording.exchanges().iter().filter(|e| e.class().counts()) {
        let expected = [Class::Ok, Class::BadStatus][exchange.endpoint()];
        assert_eq!(exchange.class(), expected);
    }
    let counts = recording.counts();
    assert!(counts.good.abs_diff(counts.bad * 3) <= 3, "{counts:?}");
}

/// A user name is sent as RFC 7617 says, in each request.
#[tokio::test]
async fn who_asks_is_said() {
    let (seen, mut heads) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(|listener| async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 1024];
            let n = stream.read(&mut head).await.unwrap_or(0);
            seen.send(String::from_utf8_lossy(&head[..n]).into_owned())
                .ok();
        }
    });
    let aladdin = Secret::new("open sesame");
    let load = HttpLoad::get(server.url())
        .basic_auth("Aladdin", &aladdin)
        .rate(50.0);
    run_until(&load, 3).await;
    let head = heads.recv().await.unwrap();
    let said = "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert!(head.contains(said), "{head}");
}

/// As many are under way as a slow target needs; with fewer slots the load says that it is to blame.
#[tokio::test]
async fn a_target_that_is_only_slow_answers_all_requests() {
    for (slots, starved) in [(None, false), (Some(16), true)] {
        let service = Service::start();
        service.knobs.delay_ms.store(400, Ordering::SeqCst);
        let load = HttpLoad::get(service.url()).rate(200.0).timeout(ms(1000));
        let load = slots.into_iter().fold(load, HttpLoad::slots);
        let recording = run_until(&load, 400).await;
        let bad = recording.counts().bad;
        assert_eq!(bad > 100, starved, "{:?}", recording.counts());
        let run = Trace::default().run();
        let instrument = Metrics::of(&run, &recording).instrument;
        assert_eq!(instrument.starved > 100, starved, "{instrument:?}");
    }
}

/// A freeze that is shorter than the timeout has no failure to show, unless what is slow is bad.
#[tokio::test]
async fn a_short_freeze_is_seen_when_what_is_slow_is_bad() {
    for slow in [None, Some(ms(150))] {
        let freeze = async || {
            let service = Service::start();
            let load = HttpLoad::get(service.url()).rate(100.0).timeout(ms(2000));
            let load = slow.into_iter().fold(load, HttpLoad::slow_is_bad);
            Frozen::during(&service, &load, ms(700)).await
        };
        let frozen = measured(freeze, Frozen::was_calm).await;
        let recording = &frozen.recording;
        let outages = Detector::at(100.0).find(recording.exchanges(), frozen.watched);
        assert_eq!(outages.len(), usize::from(slow.is_some()), "{outages:?}");
        assert_eq!(classes(recording).contains(&Class::Slow), slow.is_some());
    }
}
