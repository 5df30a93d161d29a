//! Two network namespaces with a wire between them.

use chaos_core::{Engine, Registry};
use chaos_faults_net::Netns;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::sched::{CloneFlags, unshare};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr as Address, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// What arrives at all arrives within this on a busy machine; what does not is dropped.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);

type Job = Box<dyn FnOnce() + Send>;

/// A network namespace with a thread and a process in it. Dropping it ends both, and with them the namespace.
#[derive(Debug)]
pub(crate) struct Space {
    jobs: mpsc::Sender<Job>,
    /// `/proc/PID/ns/net` of the process in it.
    pub(crate) path: PathBuf,
    holder: Child,
}

impl Space {
    pub(crate) fn new() -> Self {
        let (jobs, work) = mpsc::channel::<Job>();
        let (started, start) = mpsc::channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("root makes a network namespace");
            started.send(()).unwrap();
            work.into_iter().for_each(|job| job());
        });
        start.recv().unwrap();
        let run = |jobs: &mpsc::Sender<Job>| {
            let (send, receive) = mpsc::channel();
            let job = move || {
                send.send(Command::new("sleep").arg("1000").spawn().unwrap())
                    .unwrap();
            };
            jobs.send(Box::new(job)).unwrap();
            receive.recv().unwrap()
        };
        let holder = run(&jobs);
        let path = PathBuf::from(format!("/proc/{}/ns/net", holder.id()));
        let space = Self { jobs, path, holder };
        space.ip("link set lo up");
        space
    }

    /// Runs something in the namespace.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (send, receive) = mpsc::channel();
        let job = move || {
            send.send(work()).ok();
        };
        self.jobs.send(Box::new(job)).unwrap();
        receive
            .recv()
            .expect("what runs in the namespace does not panic")
    }

    /// Runs `ip` of iproute2.
    pub(crate) fn ip(&self, arguments: &str) {
        self.command(&format!("ip {arguments}"));
    }

    /// Runs a command here.
    pub(crate) fn command(&self, line: &str) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let run = move || Command::new(&words[0]).args(&words[1..]).output().unwrap();
        let output = self.run(run);
        assert!(output.status.success(), "{line}: {output:?}");
    }

    /// Runs `tc` of iproute2.
    pub(crate) fn tc(&self, arguments: &str) {
        self.command(&format!("tc {arguments}"));
    }

    /// Runs something on a thread of its own in the namespace.
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
        self.run(move || thread::spawn(work))
    }

    /// Everything that can be seen of the networks here: interfaces, queues, classes, filters, tables. In few processes, each
    /// of which takes long to start in the virtual machine.
    pub(crate) fn network(&self) -> String {
        let shown = self.run(|| {
            let mut shown = batch("ip", &["-o", "-d"], &["link", "addr"]);
            let wire = shown.contains("wire@");
            for family in ["-4", "-6"] {
                shown += &batch(
                    "ip",
                    &[family],
                    &[
                        "route show table all",
                        "neigh show nud permanent",
                        "neigh show proxy",
                    ],
                );
            }
            let queues = [
                "qdisc show",
                "class show dev wire",
                "filter show dev wire",
                "filter show dev wire ingress",
            ];
            let queues = if wire { &queues[..] } else { &queues[..1] };
            shown + &uncounted(&batch("tc", &[], queues))
        });
        format!("{shown}{}", self.ruleset())
    }

    pub(crate) fn target(&self) -> Netns {
        Netns::path(&self.path)
    }

    /// Whether a TCP server can be reached from here.
    pub(crate) fn reaches(&self, address: Address) -> bool {
        self.run(
            move || match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(mut stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.write_all(b"x").is_ok() && stream.read_exact(&mut [0]).is_ok()
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TimedOut, "dropped without a word");
                    false
                }
            },
        )
    }

    /// Everything that nftables has here, byte for byte, except what its counters count.
    pub(crate) fn ruleset(&self) -> String {
        self.run(|| format!("{:?}", [1, 4, 7].map(dump)))
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// Without how many packets went by an htb's classes: the system sends some of its own accord.
fn uncounted(queues: &str) -> String {
    let mut parts = queues.split(" direct_packets_stat ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        shown + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// What a program of iproute2 says to these questions.
fn batch(program: &str, options: &[&str], lines: &[&str]) -> String {
    let mut child = Command::new(program)
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = lines.join("\n") + "\n";
    let mut input = child.stdin.take().unwrap();
    input.write_all(asked.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {lines:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// One list of nftables (1: tables, 4: chains, 7: rules), without what changes from one question to the next.
fn dump(number: u16) -> Vec<Vec<u8>> {
    let mut socket = Socket::new(NETLINK_NETFILTER).unwrap();
    socket.bind_auto().unwrap();
    let mut ask = Vec::new();
    ask.extend(20_u32.to_ne_bytes());
    ask.extend((0xA00 | number).to_ne_bytes());
    ask.extend(0x301_u16.to_ne_bytes());
    ask.extend([0; 12]);
    socket.send_to(&ask, &SocketAddr::new(0, 0), 0).unwrap();
    let mut all = Vec::new();
    loop {
        let (received, _) = socket.recv_from_full().unwrap();
        let mut rest = &received[..];
        while let Some(len) = rest.first_chunk::<4>() {
            let len = usize::try_from(u32::from_ne_bytes(*len)).unwrap();
            let kind = u16::from_ne_bytes([rest[4], rest[5]]);
            assert_ne!(kind, 2, "the list is refused");
            if kind == 3 {
                return all;
            }
            // After the two headers: the second one ends with the generation of the ruleset.
            let mut item = rest[20..len].to_vec();
            let counter = b"counter\0";
            if let Some(at) = item.windows(8).position(|bytes| bytes == counter) {
                item[at + 8..][..28].fill(0);
            }
            all.push(item);
            rest = &rest[len.next_multiple_of(4).min(rest.len())..];
        }
    }
}

/// `blue` (10.9.0.1, fd09::1) and `red` (10.9.0.2, 10.9.0.3, fd09::2), where servers echo.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) blue: Space,
    pub(crate) red: Space,
}

pub(crate) const RED: &str = "10.9.0.2:7";
pub(crate) const RED_TOO: &str = "10.9.0.3:7";
pub(crate) const RED_6: &str = "[fd09::2]:7";

impl World {
    pub(crate) fn new() -> Self {
        let (blue, red) = (Space::new(), Space::new());
        let peer = red.path.display();
        blue.ip(&format!(
            "link add wire type veth peer name wire netns {peer}"
        ));
        for (space, addresses) in [
            (&blue, &["10.9.0.1/24", "fd09::1/64"][..]),
            (&red, &["10.9.0.2/24", "10.9.0.3/24", "fd09::2/64"][..]),
        ] {
            // No address of the link's own, which would come late and be tentative at first.
            space.ip("link set wire addrgenmode none");
            space.ip("link set wire up");
            for address in addresses {
                let nodad = if address.contains(':') { " nodad" } else { "" };
                space.ip(&format!("addr add {address} dev wire{nodad}"));
            }
        }
        for address in [RED, RED_TOO, RED_6] {
            red.run(move || echo(address));
        }
        blue.run(|| echo("127.0.0.1:7"));
        let world = Self { blue, red };
        world.wait_for_all();
        world
    }

    /// Waits until everything is reached, as without a fault.
    pub(crate) fn wait_for_all(&self) {
        let start = Instant::now();
        while !self.all_reached() {
            assert!(start.elapsed() < Duration::from_secs(20), "the wire works");
        }
    }

    pub(crate) fn all_reached(&self) -> bool {
        [RED, RED_TOO, RED_6]
            .iter()
            .all(|address| self.blue.reaches(address.parse().unwrap()))
    }

    pub(crate) fn reached(&self, address: &str) -> bool {
        self.blue.reaches(address.parse().unwrap())
    }
}

/// Echoes TCP and UDP on this address of the calling thread's namespace until the process ends.
fn echo(address: &str) {
    let server = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut copy = stream.try_clone().unwrap();
                std::io::copy(&mut stream, &mut copy).ok();
            });
        }
    });
    let socket = UdpSocket::bind(address).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..len], from).ok();
        }
    });
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    chaos_faults_net::register(&mut registry);
    registry
}

/// An engine with an undo log of its own.
pub(crate) async fn engine(state: &Path) -> Engine {
    let engine = Engine::builder()
        .registry(registry())
        .state_dir(state.join("undo"));
    engine.open().await.unwrap()
}

/// The logs that are not done with.
pub(crate) fn logs(state: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![state.to_owned()];
    while let Some(dir) = dirs.pop() {
        for item in fs::read_dir(dir).unwrap().flatten() {
            let path = item.path();
            if path.is_dir() {
                dirs.push(path);
            } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("net.del_")) {
                found.push(path);
            }
        }
    }
    found
}
