//! One HTTP address, asked again and again.

use crate::{
    client::{Channel, Dialer, Endpoint, Shared},
    load::Class,
};
use bytes::Bytes;
use chaos_core::{BoxError, ConfigError};
use http::{Request, response::Parts};
use http_body_util::Full;
use std::{fmt, path::Path, time::Duration};
use tokio::sync::Mutex;

/// The longest body that is read to its end.
const LONGEST_BODY: u64 = 1 << 20;
/// When nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

/// One HTTP address; the connection is kept from one time to the next. Redirects are not followed.
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

    /// Sends a request; the body of the answer is empty unless it is to be kept.
    pub(super) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        keep: bool,
    ) -> Result<(Parts, Vec<u8>), BoxError> {
        // Taken out, so that a sample that is given up closes its connection.
        let kept = self.channel.lock().await.take();
        let mut channel = kept.unwrap_or_else(|| Channel::new(&self.dialer, &Shared::default()));
        let (dialer, endpoint) = (&self.dialer, &self.endpoint);
        let answer = async {
            match keep {
                true => channel.fetch(dialer, endpoint, request, LONGEST_BODY).await,
                false => channel
                    .send(dialer, endpoint, request, LONGEST_BODY)
                    .await
                    .map(|parts| (parts, Vec::new())),
            }
        };
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
