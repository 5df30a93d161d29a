//! What a message carries.

use super::rest::Rest;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as Stream, Frame, SizeHint};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// What a message carries.
#[derive(Debug)]
pub(crate) enum Body {
    /// It passes through.
    Passing(Rest),
    /// It is all here.
    Whole(Bytes),
    /// Its beginning is here, and the rest passes through.
    Begun(Bytes, Rest),
    /// There is none, and it would have so many bytes.
    Absent(u64),
}

impl Body {
    /// All of it, without trailers; or the body as it was, when it is longer than `most` or breaks off.
    pub(crate) async fn collect(self, most: usize) -> Result<Bytes, Self> {
        let (mut begun, mut rest) = match self {
            Self::Whole(bytes) => return Ok(bytes),
            Self::Absent(_) => return Ok(Bytes::new()),
            Self::Passing(rest) => (BytesMut::new(), rest),
            Self::Begun(begun, rest) => (BytesMut::from(begun), rest),
        };
        if rest.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
            return Err(Self::begun(begun, rest));
        }
        loop {
            match http_body_util::BodyExt::frame(&mut rest).await {
                None => return Ok(begun.freeze()),
                Some(Err(error)) => {
                    rest.broke(error);
                    return Err(Self::begun(begun, rest));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        begun.extend_from_slice(&data);
                    }
                }
            }
            if begun.len() > most {
                return Err(Self::begun(begun, rest));
            }
        }
    }

    /// Does not ask for what passes before this is over.
    pub(crate) fn hold(&mut self, until: impl Future<Output = ()> + Send + 'static) {
        if let Self::Passing(rest) = self {
            rest.hold(until);
        }
    }

    fn begun(begun: BytesMut, rest: Rest) -> Self {
        if begun.is_empty() {
            Self::Passing(rest)
        } else {
            Self::Begun(begun.freeze(), rest)
        }
    }
}

impl Stream for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let begun = match &mut *self {
            Self::Passing(rest) => return Pin::new(rest).poll_frame(cx),
            Self::Begun(begun, rest) if begun.is_empty() => return Pin::new(rest).poll_frame(cx),
            Self::Absent(_) => return Poll::Ready(None),
            Self::Whole(bytes) | Self::Begun(bytes, _) => std::mem::take(bytes),
        };
        let frame = (!begun.is_empty()).then(|| Ok(Frame::data(begun)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Passing(rest) => rest.is_end_stream(),
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Begun(bytes, rest) => bytes.is_empty() && rest.is_end_stream(),
            // Whoever says how long it would be does so of one that is not at its end.
            Self::Absent(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = |bytes: &Bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self {
            Self::Passing(rest) => rest.size_hint(),
            Self::Whole(bytes) => SizeHint::with_exact(length(bytes)),
            Self::Absent(length) => SizeHint::with_exact(*length),
            Self::Begun(bytes, rest) => {
                let mut hint = rest.size_hint();
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper + length(bytes));
                }
                hint.set_lower(hint.lower() + length(bytes));
                hint
            }
        }
    }
}
