//! A TCP client's way to the upstream: one connection, made when it is needed, with many queries on their way.

use super::{shared::Shared, tcp::codec};
use crate::{
    asked::{Client, id},
    reply::upstream_failed,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::{collections::HashMap, future::pending, io};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// A query for the upstream.
#[derive(Debug)]
pub(super) struct Forward {
    pub(super) query: Bytes,
    pub(super) place: OwnedSemaphorePermit,
}

/// A message for the client.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) message: Bytes,
    /// That of the query that it answers.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// A query that the upstream was asked.
#[derive(Debug)]
struct Asked {
    query: Bytes,
    place: OwnedSemaphorePermit,
    deadline: Instant,
    /// It was asked on another connection before.
    again: bool,
}

/// A TCP client's way to the upstream.
#[derive(Debug)]
pub(super) struct Link<'a> {
    shared: &'a Shared,
    client: Client,
    say: mpsc::Sender<Said>,
    stream: Option<Framed<TcpStream, LengthDelimitedCodec>>,
    /// Whether this connection has brought an answer.
    served: bool,
    /// By transaction id.
    asked: HashMap<u16, Asked>,
}

impl<'a> Link<'a> {
    pub(super) fn new(shared: &'a Shared, client: Client, say: mpsc::Sender<Said>) -> Self {
        Self {
            shared,
            client,
            say,
            stream: None,
            served: false,
            asked: HashMap::new(),
        }
    }

    /// Forwards queries, and passes answers on as they come, until there are no more queries.
    pub(super) async fn run(mut self, mut queries: mpsc::Receiver<Forward>) {
        loop {
            let deadline = self.asked.values().map(|asked| asked.deadline).min();
            let late = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                query = queries.recv() => match query {
                    Some(forward) => self.forward(forward).await,
                    None => return,
                },
                answer = next(&mut self.stream) => match answer {
                    Some(Ok(answer)) => self.pass_on(answer).await,
                    Some(Err(_)) | None => self.lost().await,
                },
                () = late => self.give_up().await,
            }
        }
    }

    async fn forward(&mut self, Forward { query, place }: Forward) {
        // What is no message is not answered, either.
        let Some(id) = id(&query) else {
            return;
        };
        let asked = Asked {
            query,
            place,
            deadline: Instant::now() + self.shared.timeout(),
            again: false,
        };
        if let Err(asked) = self.ask(id, asked).await {
            self.asked.insert(id, asked);
            self.lost().await;
        }
    }

    /// Asks the upstream; the query comes back when that cannot be done.
    async fn ask(&mut self, id: u16, asked: Asked) -> Result<(), Asked> {
        let query = asked.query.clone();
        match timeout_at(asked.deadline, self.send(query)).await {
            Ok(Ok(())) => {
                self.asked.insert(id, asked);
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, proxy = %self.shared, "the upstream cannot be asked");
                Err(asked)
            }
            Err(_) => Err(asked),
        }
    }

    async fn send(&mut self, query: Bytes) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.shared.upstream()).await?;
                // What is refused here is gone already.
                stream.set_nodelay(true).ok();
                self.served = false;
                none.insert(Framed::new(stream, codec()))
            }
        };
        stream.send(query).await
    }

    async fn pass_on(&mut self, answer: impl Into<Bytes>) {
        let message = answer.into();
        self.served = true;
        // Of a zone transfer only the first message is that of a query.
        let asked = id(&message).and_then(|id| self.asked.remove(&id));
        let place = asked.map(|asked| asked.place);
        self.say.send(Said { message, place }).await.ok();
    }

    /// Has lost the connection: what was asked is asked once more on another one, if this one was good for anything.
    async fn lost(&mut self) {
        self.stream = None;
        let mut good = std::mem::take(&mut self.served);
        for (id, mut asked) in std::mem::take(&mut self.asked) {
            if good && !asked.again {
                asked.again = true;
                match self.ask(id, asked).await {
                    Ok(()) => continue,
                    Err(unasked) => asked = unasked,
                }
                (good, self.stream) = (false, None);
            }
            self.fail(asked).await;
        }
    }

    /// Gives up on what the upstream was asked too long ago.
    async fn give_up(&mut self) {
        let now = Instant::now();
        let late: Vec<_> = self
            .asked
            .extract_if(|_, asked| asked.deadline <= now)
            .collect();
        for (_, asked) in late {
            self.fail(asked).await;
        }
    }

    async fn fail(&mut self, Asked { query, place, .. }: Asked) {
        if let Some(message) = upstream_failed(&query, self.client) {
            let (message, place) = (message.into(), Some(place));
            self.say.send(Said { message, place }).await.ok();
        }
    }
}

/// The next message of the upstream. Never, when there is no connection.
async fn next(
    stream: &mut Option<Framed<TcpStream, LengthDelimitedCodec>>,
) -> Option<io::Result<bytes::BytesMut>> {
    match stream {
        Some(stream) => stream.next().await,
        None => pending().await,
    }
}
