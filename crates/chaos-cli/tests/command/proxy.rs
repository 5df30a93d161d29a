//! `chaos proxy serve`, as those use it who used Toxiproxy.

use crate::scene::{Scene, told, wait_for};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// The server, and what it has said until it listened.
struct Serving {
    child: Child,
    said: String,
    stdout: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Serving {
    fn start(scene: &Scene, args: &[&str]) -> Self {
        Self::spawn(&mut scene.chaos(&[&["proxy", "serve"], args].concat()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended: {said}");
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.trim().parse().unwrap();
            }
            said += &line;
        };
        Self {
            child,
            said,
            stdout,
            address,
        }
    }

    /// Asks it to end; how it did.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> Output {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(asked.success());
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Output {
            stdout: rest,
            ..output
        }
    }

    fn call(&self, request: &str, body: &str) -> String {
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        exchange(self.address, &format!("{head}{body}"))
    }
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn it_serves_its_configuration_until_it_is_asked_to_end_and_exits_0() {
    for signal in ["-INT", "-TERM"] {
        let scene = Scene::new();
        let config = scene.path("toxiproxy.json");
        let server = scene.server;
        let text = format!(
            r#"[{{"name":"web","listen":"127.0.0.1:0","upstream":"{server}",
                 "toxics":[{{"type":"limit_data","attributes":{{"bytes":12}}}}]}}]"#
        );
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let serving = Serving::start(
            &scene,
            &[
                "--listen",
                "127.0.0.1:0",
                "--config",
                config,
                "--seed",
                "7",
                "--proxy-metrics",
            ],
        );
        assert_eq!(serving.said, format!("1 proxy from {config}\n"));
        let web = serving.call("GET /proxies/web", "");
        let (_, listen) = web.split_once(r#""listen":""#).unwrap();
        let proxy = listen.split('"').next().unwrap().parse().unwrap();
        assert_eq!(exchange(proxy, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 200");
        let metrics = serving.call("GET /metrics", "");
        assert!(
            metrics.contains("toxiproxy_proxy_sent_bytes_total{"),
            "{metrics}"
        );

        let address = serving.address;
        let output = serving.end(signal);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert_eq!(told(&output), "");
        assert!(TcpStream::connect(address).is_err() && TcpStream::connect(proxy).is_err());
    }
}

#[cfg(unix)]
#[test]
fn host_and_port_are_said_as_with_toxiproxy() {
    let scene = Scene::new();
    for (args, begins) in [
        (&["--host", "localhost", "--port", "0"][..], "127.0.0.1:"),
        (&["--host=::1", "--port=0"], "[::1]:"),
        (&["--port", "0"], "127.0.0.1:"),
        (&["-host", "localhost", "-port=0"], "127.0.0.1:"),
        (&["-host", "localhost", "-port=0", "-seed=-5"], "127.0.0.1:"),
        (
            &[
                "-host=localhost",
                "-port=0",
                "-proxy-metrics=true",
                "-runtime-metrics=0",
            ],
            "127.0.0.1:",
        ),
    ] {
        let serving = Serving::start(&scene, args);
        let address = serving.address.to_string();
        assert!(address.starts_with(begins), "{args:?}: {address}");
        assert_eq!(serving.end("-TERM").status.code(), Some(0));
    }
}

#[test]
fn it_says_which_toxiproxy_it_behaves_like() {
    let scene = Scene::new();
    for flag in ["-version", "--version"] {
        let output = scene.chaos(&["proxy", "serve", flag]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "toxiproxy-server version 2.12.0\n");
    }
    let mut wrong = scene.chaos(&["proxy", "serve", "-proxy-metrics=maybe"]);
    let output = wrong.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("write true or false"),
        "{}",
        told(&output)
    );
}

#[cfg(unix)]
#[test]
fn a_low_limit_of_descriptors_is_raised_as_far_as_it_may_be() {
    let scene = Scene::new();
    let mut child = Command::new("sh");
    let chaos = scene.chaos(&[]);
    // The soft limit is too low for sixty proxies, the hard one is not.
    let line = "ulimit -Sn 64; exec \"$0\" proxy serve --port 0";
    child.args(["-c", line]).arg(chaos.get_program());
    let serving = Serving::spawn(&mut child);
    let all: Vec<String> = (0..60)
        .map(|n| format!(r#"{{"name":"p{n}","listen":"127.0.0.1:0","upstream":"x:1"}}"#))
        .collect();
    let answer = serving.call("POST /populate", &format!("[{}]", all.join(",")));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(serving.end("-TERM").status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let scene = Scene::new();
    let serving = Serving::start(&scene, &["--port", "0", "--proxy-metrics"]);
    let body = format!(
        r#"[{{"name":"web","listen":"127.0.0.1:0","upstream":"{}"}}]"#,
        scene.server
    );
    let told = serving.call("POST /populate", &body);
    let (_, listen) = told.split_once(r#""listen":""#).unwrap();
    let proxy: SocketAddr = listen.split('"').next().unwrap().parse().unwrap();
    let toxic = r#"{"type":"timeout","stream":"upstream","toxicity":0.5}"#;
    serving.call("POST /proxies/web/toxics", toxic);
    let open = || {
        let fds = format!("/proc/{}/fd", serving.child.id());
        std::fs::read_dir(fds).unwrap().count()
    };
    let before = open();
    for _ in 0..10 {
        let clients: Vec<_> = (0..200)
            .flat_map(|n| {
                let mut api = TcpStream::connect(serving.address).unwrap();
                let said = ["GET /proxies HTTP/1.1\r\nHost:", "POST /", ""][n % 3];
                api.write_all(said.as_bytes()).unwrap();
                let mut web = TcpStream::connect(proxy).unwrap();
                web.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
                [api, web]
            })
            .collect();
        drop(clients);
        // What is held for connections that are hit goes with the toxic.
        serving.call("DELETE /proxies/web/toxics/timeout_upstream", "");
        serving.call("POST /proxies/web/toxics", toxic);
    }
    wait_for(
        "every descriptor is closed",
        Duration::from_secs(20),
        || {
            serving.call("POST /reset", "");
            open() <= before
        },
    );
    assert_eq!(serving.end("-TERM").status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_mistake_in_the_configuration_is_told_and_the_api_is_served() {
    let scene = Scene::new();
    let config = scene.path("toxiproxy.json");
    std::fs::write(&config, r#"[{"name":"web"}]"#).unwrap();
    let config = config.to_str().unwrap();
    for (file, says) in [
        (config, "missing required field: upstream at proxy 1"),
        ("/nowhere/toxiproxy.json", "No such file"),
    ] {
        let args = ["--listen", "127.0.0.1:0", "--config", file];
        let serving = Serving::start(&scene, &args);
        assert!(serving.call("GET /proxies", "").ends_with("\r\n\r\n{}"));
        let output = serving.end("-TERM");
        assert_eq!(output.status.code(), Some(0));
        let said = told(&output);
        assert!(said.contains(file) && said.contains(says), "{said}");
    }
}

#[test]
fn a_port_that_cannot_be_had_is_told() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, code, says) in [
        (
            &["--listen", taken.as_str()][..],
            4,
            "another program listens there",
        ),
        (&["--listen", "nowhere"], 2, "nowhere"),
        (&["--listen", "127.0.0.1:1", "--port", "2"], 2, "--port"),
        (&["--port", "70000"], 2, "70000"),
    ] {
        let output = scene.run(&[&["proxy", "serve"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert!(told(&output).contains(says), "{}", told(&output));
    }
}
