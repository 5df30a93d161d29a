//! HTTP requests that are ready to be sent.

use super::{Answer, Mix, Work};
use crate::{
    client::{Channel, Dialer, Keep, Message, Shared},
    load::Class,
};
use std::ops::RangeInclusive;

/// The longest body that is read to its end.
const LONGEST_BODY: u64 = 16 << 20;

/// HTTP requests that are ready to be sent.
#[derive(Debug)]
pub struct HttpWork {
    pub(super) templates: Vec<Template>,
    pub(super) mix: Mix,
    pub(super) dialer: Dialer,
    /// By host.
    pub(super) shared: Vec<Shared>,
}

/// A request as often as it is wanted.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) message: Message,
    /// Which of the hosts it is for.
    pub(super) host: usize,
    pub(super) good: RangeInclusive<u16>,
}

/// A way to each host that requests are sent to.
#[derive(Debug)]
pub struct HttpSlot(Vec<Channel>);

impl Work for HttpWork {
    type Slot = HttpSlot;

    fn slot(&self) -> HttpSlot {
        let channel = |shared| Channel::new(&self.dialer, shared);
        HttpSlot(self.shared.iter().map(channel).collect())
    }

    fn endpoint(&self, seq: u64) -> usize {
        self.mix.turn(seq)
    }

    async fn exchange(&self, endpoint: usize, slot: &mut HttpSlot) -> Answer {
        let template = &self.templates[endpoint];
        let channel = &mut slot.0[template.host];
        let sent = channel.send(&self.dialer, &template.message, Keep::status(LONGEST_BODY));
        match sent.await {
            Ok(reply) => {
                let status = reply.status;
                let good = template.good.contains(&status);
                Answer::of(if good { Class::Ok } else { Class::BadStatus }).with_status(status)
            }
            Err(class) => Answer::of(class),
        }
    }
}
