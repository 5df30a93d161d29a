//! Faults that cut, slice and change what goes through a proxy, with real sockets on loopback.

#[expect(dead_code, reason = "shared with other tests")]
mod world;

use chaos_faults_net::{Bandwidth, Corrupt, Direction, Limit, Slice, SlowClose};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use world::{Server, connect, pattern, ping, put, take_off, within};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// All that comes until the stream ends without a reset.
async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    all
}

#[tokio::test]
async fn exactly_so_many_bytes_arrive_and_then_the_end() {
    let server = Server::source(1_000_000).await;
    let proxy = server.proxy().await;
    for bytes in [1, 1000, 65_536, 300_001] {
        let fault = put(Limit::bytes(bytes), &proxy).await;
        let all = read_all(&mut connect(&proxy).await).await;
        let bytes = usize::try_from(bytes).unwrap();
        let block = pattern(64 * 1024);
        assert_eq!(all.len(), bytes);
        assert!(all.chunks(block.len()).all(|c| c == &block[..c.len()]));
        assert_eq!(take_off(fault).await.hits, 1);
    }
}

#[tokio::test]
async fn a_limit_of_zero_closes_at_the_first_data() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    ping(&mut stream).await.unwrap();
    let fault = put(Limit::bytes(0), &proxy).await;
    stream.write_all(b"x").await.unwrap();
    assert_eq!(read_all(&mut stream).await, b"");
    assert_eq!(take_off(fault).await.hits, 1);
}

#[tokio::test]
async fn an_end_before_the_limit_is_an_end_like_others() {
    let server = Server::source(1000).await;
    let proxy = server.proxy().await;
    let fault = put(Limit::bytes(1001), &proxy).await;
    assert_eq!(read_all(&mut connect(&proxy).await).await.len(), 1000);
    assert_eq!(take_off(fault).await.hits, 0);
}

#[tokio::test]
async fn the_limit_is_kept_while_other_faults_come_and_go() {
    let server = Server::source(50_000_000).await;
    let proxy = server.proxy().await;
    let limit = put(Limit::bytes(30_000_000), &proxy).await;
    let mut stream = connect(&proxy).await;
    let mut all = 0;
    let mut buffer = vec![0; 1 << 16];
    for _ in 0..20 {
        // The receiver lags, so pieces are half sent when the faults change.
        let narrow = put(Bandwidth::per_second(100_000_000), &proxy).await;
        for _ in 0..10 {
            all += within(stream.read(&mut buffer)).await.unwrap();
        }
        take_off(narrow).await;
    }
    all += read_all(&mut stream).await.len();
    assert_eq!(all, 30_000_000);
    assert_eq!(take_off(limit).await.hits, 1);
}

#[tokio::test]
async fn the_end_is_late_and_the_data_is_not() {
    let server = Server::source(1000).await;
    let proxy = server.proxy().await;
    let fault = put(SlowClose::new(ms(600)), &proxy).await;
    let start = Instant::now();
    let mut stream = connect(&proxy).await;
    within(stream.read_exact(&mut [0; 1000])).await.unwrap();
    let data = start.elapsed();
    assert!(data < ms(500), "{data:?}");
    assert_eq!(read_all(&mut stream).await, b"");
    assert!(start.elapsed() >= ms(600));
    assert_eq!(take_off(fault).await.hits, 1);
}

#[tokio::test]
async fn an_end_that_is_under_way_comes_when_the_fault_is_over() {
    let server = Server::source(1).await;
    let proxy = server.proxy().await;
    let fault = put(SlowClose::new(Duration::from_secs(3600)), &proxy).await;
    let mut stream = connect(&proxy).await;
    within(stream.read_exact(&mut [0])).await.unwrap();
    take_off(fault).await;
    assert_eq!(read_all(&mut stream).await, b"");
}

#[tokio::test]
async fn data_comes_in_slices_and_none_is_missing() {
    let server = Server::source(1000).await;
    let proxy = server.proxy().await;
    let slice = Slice::bytes(10).variation(5).delay(ms(1));
    let fault = put(slice, &proxy).await;
    let start = Instant::now();
    let mut stream = connect(&proxy).await;
    assert_eq!(read_all(&mut stream).await, pattern(1000));
    let hits = u32::try_from(take_off(fault).await.hits).unwrap();
    // 5 to 15 bytes each; the last of what was read at once may be smaller.
    assert!((67..=220).contains(&hits), "{hits}");
    assert!(start.elapsed() >= ms(1) * (hits - 1) - ms(15));
}

#[tokio::test]
async fn the_smallest_slices_are_one_byte() {
    let server = Server::source(300).await;
    let proxy = server.proxy().await;
    let _fault = put(Slice::bytes(1).variation(5), &proxy).await;
    assert_eq!(read_all(&mut connect(&proxy).await).await, pattern(300));
}

#[tokio::test]
async fn one_bit_of_each_message_is_wrong() {
    let server = Server::echo().await;
    let proxy = server.proxy().await;
    let mut stream = connect(&proxy).await;
    let fault = put(
        Corrupt::percent(100.0).direction(Direction::Upstream),
        &proxy,
    )
    .await;
    for _ in 0..10 {
        stream.write_all(&[0; 100]).await.unwrap();
        let mut reply = [0; 100];
        within(stream.read_exact(&mut reply)).await.unwrap();
        let wrong: u32 = reply.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(wrong, 1);
    }
    assert_eq!(take_off(fault).await.hits, 10);
    ping(&mut stream).await.unwrap();
}
