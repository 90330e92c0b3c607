//! The byte stream to an upstream, plain or TLS, and the alarm of its connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::client::TlsStream;

/// A connected stream.
#[derive(Debug)]
pub(crate) enum Transport {
    /// `http`.
    Plain(TcpStream),
    /// `https`.
    Secure(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // Nothing is ever held back.
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A timer that stays registered while deadlines move on, so that a call which is answered in time costs no timer: it
/// rings at the earliest deadline it was ever given and is then set again.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether `deadline` has passed; if not, the task is woken then (or earlier, and asks again).
    pub(crate) fn expired(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Alarm;
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;
    use tokio::time::Instant;

    async fn rings(alarm: &mut Alarm, deadline: Instant) -> Duration {
        let asked = Instant::now();
        poll_fn(|cx| if alarm.expired(cx, deadline) { Poll::Ready(()) } else { Poll::Pending }).await;
        asked.elapsed()
    }

    #[test]
    fn it_follows_deadlines_in_both_directions() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut alarm = Alarm::default();
            let now = Instant::now();
            let first = poll_fn(|cx| Poll::Ready(alarm.expired(cx, now + Duration::from_millis(20)))).await;
            assert!(!first);
            let took = rings(&mut alarm, now + Duration::from_millis(60)).await;
            assert!(took >= Duration::from_millis(55), "later than it was first set: {took:?}");
            let far = Instant::now() + Duration::from_secs(3600);
            assert!(!poll_fn(|cx| Poll::Ready(alarm.expired(cx, far))).await);
            let took = rings(&mut alarm, Instant::now() + Duration::from_millis(20)).await;
            assert!(took < Duration::from_secs(60), "earlier than it was first set: {took:?}");
        });
    }
}
