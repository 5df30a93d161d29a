//! Queries by TCP: each has its length before it, and many may be on their way (RFC 7766).

use super::{
    fate::{Fate, fate},
    hitting::Hitting,
    link::{Forward, Link, Said},
    shared::Shared,
};
use crate::asked::{Client, Transport};
use bytes::Bytes;
use chaos_core::Active;
use futures_util::{SinkExt, StreamExt, stream::FuturesUnordered};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// How many clients may be connected at a time: each has two descriptors.
const MOST_CLIENTS: usize = 256;
/// How many queries of a client may be on their way: it is read no further then.
const MOST_QUERIES: u32 = 64;
/// How long to wait when no connection can be accepted: usually there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(10);

/// Messages with their length before them, in two bytes.
pub(super) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_type::<u16>()
        .new_codec()
}

/// Serves every client, each in a task of its own, until the proxy is closed.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(MOST_CLIENTS));
    let mut told = false;
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, from)) => {
                told = false;
                // What is refused here is gone already.
                stream.set_nodelay(true).ok();
                let shared = Arc::clone(&shared);
                drop(tokio::spawn(async move {
                    tokio::select! {
                        () = shared.faults().closed() => {}
                        () = connection(&shared, stream, Client::new(Transport::Tcp, from)) => {}
                    }
                    drop(place);
                }));
            }
            Err(error) => {
                // Once for each time that it begins, and not a hundred times a second.
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, proxy = %shared, "cannot accept connections");
                }
                sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one client until it is gone, or says nothing any more.
async fn connection(shared: &Shared, stream: TcpStream, client: Client) {
    let (read, write) = stream.into_split();
    let (say, to_say) = mpsc::channel(1);
    let (forward, to_forward) = mpsc::channel(1);
    let said = AtomicU64::new(0);
    let listener = Listener {
        shared,
        client,
        places: Arc::new(Semaphore::new(MOST_QUERIES as usize)),
        said: &said,
        say: say.clone(),
        forward,
        silent: None,
    };
    tokio::select! {
        () = listener.serve(FramedRead::new(read, codec())) => {}
        () = speak(shared, FramedWrite::new(write, codec()), to_say, &said) => {}
        () = Link::new(shared, client, say).run(to_forward) => {}
    }
}

/// Says what there is to say, until the client does not listen any more.
async fn speak(
    shared: &Shared,
    mut stream: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    mut to_say: mpsc::Receiver<Said>,
    said: &AtomicU64,
) {
    while let Some(Said { message, place }) = to_say.recv().await {
        match timeout(shared.timeout(), stream.send(message)).await {
            Ok(Ok(())) => said.fetch_add(1, Ordering::Relaxed),
            Ok(Err(_)) | Err(_) => return,
        };
        drop(place);
    }
}

/// What is heard from one client.
struct Listener<'a> {
    shared: &'a Shared,
    client: Client,
    /// Each query has one until it is answered.
    places: Arc<Semaphore>,
    /// How many messages it was told.
    said: &'a AtomicU64,
    say: mpsc::Sender<Said>,
    forward: mpsc::Sender<Forward>,
    /// The fault that swallowed a query.
    silent: Option<Arc<Active<Hitting>>>,
}

impl Listener<'_> {
    async fn serve(mut self, mut queries: FramedRead<OwnedReadHalf, LengthDelimitedCodec>) {
        let (shared, client) = (self.shared, self.client);
        let places = Arc::clone(&self.places);
        let mut deciding = FuturesUnordered::new();
        let mut said = 0;
        loop {
            tokio::select! {
                query = next(&mut queries, &places) => match query {
                    Some((query, place)) => deciding.push(async move {
                        let fate = fate(shared, &query, client).await;
                        (fate, query, place)
                    }),
                    None => break,
                },
                Some((fate, query, place)) = deciding.next() => {
                    self.carry_out(fate, query, place).await;
                }
                () = sleep(shared.timeout()) => {
                    let told = self.said.load(Ordering::Relaxed);
                    if told == said && !self.waits() {
                        return;
                    }
                    said = told;
                }
            }
        }
        // The client asks nothing more. It may wait for what it has asked, or be gone: that cannot be told.
        let rest = async {
            while let Some((fate, query, place)) = deciding.next().await {
                self.carry_out(fate, query, place).await;
            }
            drop(places.acquire_many(MOST_QUERIES).await);
        };
        timeout(shared.timeout(), rest).await.ok();
    }

    /// Whether the client waits for an answer.
    fn waits(&self) -> bool {
        let on_their_way = self.places.available_permits() < MOST_QUERIES as usize;
        on_their_way || self.silent.as_ref().is_some_and(|fault| fault.is_on())
    }

    async fn carry_out(&mut self, fate: Fate, query: Bytes, place: OwnedSemaphorePermit) {
        match fate {
            Fate::Forward => {
                // When nobody takes it, the connection is over.
                self.forward.send(Forward { query, place }).await.ok();
            }
            Fate::Answer(message) => {
                let message = message.into();
                let place = Some(place);
                self.say.send(Said { message, place }).await.ok();
            }
            Fate::Silence(fault) => self.silent = Some(fault),
            Fate::Nothing => {}
        }
    }
}

/// The next query, when there is a place for it. `None`: there is none any more.
async fn next(
    queries: &mut FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    places: &Arc<Semaphore>,
) -> Option<(Bytes, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let query = queries.next().await?.ok()?;
    Some((query.freeze(), place))
}
