//! One HTTP address, asked again and again.

use crate::{
    client::{Channel, Dialer, Endpoint, Keep, Message, Reply, Shared},
    load::Class,
};
use bytes::Bytes;
use chaos_core::{BoxError, ConfigError};
use http::{HeaderMap, Method};
use std::{fmt, path::Path, time::Duration};
use tokio::sync::Mutex;

/// The longest body that is read to its end.
const LONGEST_BODY: u64 = 1 << 20;
/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// One HTTP address; the connection is kept for a second, for the next time. Redirects are not followed.
pub(super) struct Asker {
    endpoint: Endpoint,
    pub(super) timeout: Duration,
    dialer: Dialer,
    channel: Mutex<Option<Channel>>,
}

impl Asker {
    pub(super) fn of(url: &str) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(url)?;
        Ok(Self {
            dialer: Dialer::new(false, None, endpoint.tls)?,
            endpoint,
            timeout: TIMEOUT,
            channel: Mutex::default(),
        })
    }

    /// Trusts who is certified in this file, and nobody else.
    pub(super) fn trust(&mut self, ca_file: &Path) -> Result<(), ConfigError> {
        if !self.endpoint.tls {
            return Err(ConfigError::field("ca_file", "is for https"));
        }
        self.dialer = Dialer::new(false, Some(ca_file), true)?;
        Ok(())
    }

    /// The address without what may be secret in it.
    pub(super) fn describe(&self) -> String {
        self.endpoint.describe()
    }

    /// A request for it.
    pub(super) fn message(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Message, ConfigError> {
        Message::new(self.endpoint.clone(), method, headers, body)
    }

    /// Sends a request; the body of the answer is empty unless it is to be kept.
    pub(super) async fn ask(&self, message: &Message, keep_body: bool) -> Result<Reply, BoxError> {
        // Taken out, so that a sample that is given up closes its connection.
        let kept = self.channel.lock().await.take();
        let mut channel = kept.unwrap_or_else(|| Channel::new(&self.dialer, &Shared::default()));
        let keep = match keep_body {
            true => Keep::all(LONGEST_BODY),
            false => Keep::headers(LONGEST_BODY),
        };
        let answer = channel.send(&self.dialer, message, keep);
        let seen = match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(Class::BadBody)) => {
                return Err(self.failed("no HTTP, or a body of more than 1 MiB"));
            }
            Ok(Err(class)) => return Err(self.failed(&class.to_string())),
            Err(_) => return Err(self.failed(&format!("no answer within {:?}", self.timeout))),
        };
        *self.channel.lock().await = Some(channel);
        Ok(seen)
    }

    fn failed(&self, why: &str) -> BoxError {
        format!("{}: {why}", self.describe()).into()
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker")
            .field("address", &self.describe())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
