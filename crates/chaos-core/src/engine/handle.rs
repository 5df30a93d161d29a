//! The caller's end of an injection: commands go in, notices come out.

use super::{Preview, Recovered, Shared, Warden, prepare::Preparing, session::Session};
use crate::{Chain, EdgeKind, EngineError, InjectionId, Placed, seed::Seed};
use std::{
    sync::{Arc, mpsc as blocking},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

/// What a session tells its caller.
#[derive(Debug)]
pub(crate) enum Notice {
    /// Something was confirmed of a fault.
    Edge(EdgeNotice),
    /// A fault was lost and its `on_lost` asks to stop.
    StopAsked(String),
    /// Something that a reader should know.
    Warning(String),
    /// The session ended before its time: the limit, a later fault that failed. Everything is recovered.
    Ended(String),
}

/// An edge, on the clock of the process.
#[derive(Debug)]
pub(crate) struct EdgeNotice {
    pub(crate) kind: EdgeKind,
    pub(crate) index: usize,
    pub(crate) repetition: u64,
    pub(crate) fault: String,
    pub(crate) target: String,
    pub(crate) requested: Instant,
    pub(crate) confirmed: Instant,
    pub(crate) hits: Option<u64>,
    pub(crate) detail: Option<String>,
}

pub(super) type Reply<T> = oneshot::Sender<T>;

/// What the caller asks of a session.
#[derive(Debug)]
pub(super) enum Command {
    Preview(Reply<Preview>),
    /// Prepare and start.
    Begin(Reply<Result<(), EngineError>>),
    Prepare(Reply<Result<Preview, EngineError>>),
    Start(Reply<Result<(), EngineError>>),
    Recover(Reply<Result<Recovered, EngineError>>),
    RecoverBlocking(blocking::SyncSender<Result<Recovered, EngineError>>),
}

/// The caller's end of a session.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    shared: Arc<Shared>,
    id: InjectionId,
    commands: mpsc::UnboundedSender<Command>,
    notices: mpsc::UnboundedReceiver<Notice>,
    over: bool,
}

impl SessionHandle {
    pub(super) fn open(
        shared: Arc<Shared>,
        id: InjectionId,
        placements: Vec<Placed>,
        seed: Seed,
        max_duration: Duration,
        protected: Vec<String>,
    ) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let (notices, noticed) = mpsc::unbounded_channel();
        let preparing = Preparing {
            shared: Arc::clone(&shared),
            id: id.clone(),
            seed,
            protected: protected.into(),
        };
        let session = Session::new(preparing, placements, max_duration, notices);
        let span = tracing::info_span!("inject", injection = %id);
        shared
            .warden
            .spawn(session.drive(received).instrument(span));
        Self {
            shared,
            id,
            commands,
            notices: noticed,
            over: false,
        }
    }

    pub(crate) fn id(&self) -> &InjectionId {
        &self.id
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .map_err(|_| EngineError::WardenGone)?;
        answer.await.map_err(|_| EngineError::WardenGone)
    }

    /// What would be changed, and everything that speaks against it.
    pub(super) async fn preview(&self) -> Result<Preview, EngineError> {
        self.ask(Command::Preview).await
    }

    /// Resolves, plans and claims everything.
    pub(super) async fn prepare(&self) -> Result<Preview, EngineError> {
        self.ask(Command::Prepare).await?
    }

    /// Puts the faults that start at once in place, and begins the schedule of the others.
    pub(super) async fn start(&self) -> Result<(), EngineError> {
        self.ask(Command::Start).await?
    }

    /// Both at once.
    pub(super) async fn begin(&self) -> Result<(), EngineError> {
        self.ask(Command::Begin).await?
    }

    /// Puts everything back.
    pub(crate) async fn recover(&mut self) -> Result<Recovered, EngineError> {
        let recovered = self.ask(Command::Recover).await;
        self.over = true;
        recovered?
    }

    /// The next notice; never ends while the session lives.
    pub(super) async fn notice(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }

    /// The notices that are there.
    pub(super) fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        if self.over || Warden::is_current() {
            // The closed channel makes the session recover.
            return;
        }
        let (reply, answer) = blocking::sync_channel(1);
        if self.commands.send(Command::RecoverBlocking(reply)).is_err() {
            return;
        }
        match answer.recv_timeout(self.shared.drop_grace) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(injection = %self.id, error = %Chain(&error), "dropped and not recovered")
            }
            Err(_) => {
                tracing::error!(injection = %self.id, "dropped; the recovery goes on, and stays in the undo log until it is done");
            }
        }
    }
}
