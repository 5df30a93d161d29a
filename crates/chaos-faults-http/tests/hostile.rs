//! What is too long, and who is too slow: memory stays bounded.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use bytes::Bytes;
use chaos_faults_http::HttpProxy;
use http::Request;
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use world::{Client, Server, Speaks, memory, within};

#[tokio::test]
async fn a_body_of_any_size_streams_through_and_a_slow_reader_slows_the_sender() {
    const SIZE: usize = 256 * 1024 * 1024;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let block = vec![b'x'; 1024 * 1024];
                for _ in 0..SIZE / block.len() {
                    if stream.write_all(&block).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let proxy = HttpProxy::in_front_of(upstream).await.unwrap();
    let before = memory();
    // This one never reads.
    let mut stuck = TcpStream::connect(proxy.address()).await.unwrap();
    stuck
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let (mut block, mut read, mut most) = (vec![0; 256 * 1024], 0, 0);
    while read < SIZE {
        let count = within(stream.read(&mut block)).await.unwrap();
        assert_ne!(count, 0, "after {read} bytes");
        read += count;
        if read % 64 < 2 {
            most = most.max(memory().saturating_sub(before));
        }
    }
    most = most.max(memory().saturating_sub(before));
    assert!(most < 16 * 1024 * 1024, "{most} bytes more");
}

#[tokio::test]
async fn a_head_without_end_is_ended() {
    let server = Server::start().await;
    let proxy = server.proxy().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
        .await
        .unwrap();
    let line = format!("X-Long: {}\r\n", "x".repeat(8000));
    let mut sent = 0;
    let ended = within(async {
        while stream.write_all(line.as_bytes()).await.is_ok() {
            sent += line.len();
            if sent > 64 * 1024 * 1024 {
                return false;
            }
        }
        true
    });
    assert!(ended.await, "{sent} bytes of a head were taken");
    let mut client = Client::connect(&proxy, Speaks::One).await;
    let request = Request::post("/").body(Full::new(Bytes::from(vec![b'x'; 1024 * 1024])));
    let told = client.ask(request.unwrap()).await.unwrap().json();
    assert_eq!(told["body"].as_str().unwrap().len(), 1024 * 1024);
}
