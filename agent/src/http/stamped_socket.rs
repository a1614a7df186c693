//! A TCP connection whose bytes the kernel stamps: when they left, were acknowledged and arrived.
//!
//! It needs no privilege. Stamps of what was sent come back through the socket's error queue,
//! which is read at every turn because it shares the receive buffer's bound. An entry there raises
//! `EPOLLERR`, which tokio takes for the end of all writing and then never waits again; so tokio
//! watches two epolls of this connection's own, of which each tells of one direction.

mod kernel;

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    os::fd::OwnedFd,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use armol_analysis::{
    socket_times::{SocketCounts, SocketEvent, SocketOpening, SocketTimes},
    split::Split,
    splitter::Markers,
    time::Timestamp,
};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, unix::AsyncFd};

use crate::clock::Clock;
use kernel::Stamp;

/// The connection, as whoever speaks over it has it.
#[derive(Debug)]
pub(super) struct StampedStream {
    socket: Arc<StampedSocket>,
    readable: AsyncFd<OwnedFd>,
    writable: AsyncFd<OwnedFd>,
}

/// The connection, as whoever asks for its times has it.
#[derive(Debug)]
pub(super) struct StampedSocket {
    stream: TcpStream,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    times: SocketTimes,
    /// Bytes that the kernel took, and bytes that it handed over.
    written: u64,
    read: u64,
    counts: SocketCounts,
}

/// What is known of a connection that was just opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    /// When opening it began, and how long it took.
    pub(super) at: Timestamp,
    pub(super) length: std::time::Duration,
    /// Its ends, ours first.
    pub(super) ends: (SocketAddr, SocketAddr),
}

impl StampedSocket {
    /// Asks the kernel for stamps of a connection over which nothing was sent yet.
    ///
    /// # Errors
    /// Where the kernel refuses; the connection is as it was then.
    pub(super) fn ask(stream: &tokio::net::TcpStream) -> io::Result<()> {
        kernel::ask_for_stamps(stream)
    }

    /// Asks whether the kernel would give stamps, on a socket that is not used for anything else.
    ///
    /// # Errors
    /// Where it would not.
    pub(super) fn try_asking(socket: &tokio::net::TcpSocket) -> io::Result<()> {
        kernel::try_asking(socket)
    }

    /// Takes over a connection that has stamps.
    ///
    /// # Errors
    /// Where the connection is broken or the process has too many open files.
    pub(super) fn new(
        stream: tokio::net::TcpStream,
        opened: Opened,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let stream = stream.into_std()?;
        let Opened { at, length, ends: (client, server) } = opened;
        let round_trip = kernel::info(&stream)?.handshake();
        let opening = SocketOpening { at, length, round_trip };
        let times = SocketTimes::new(client, server, &opening);
        let state =
            Mutex::new(State { times, written: 0, read: 0, counts: SocketCounts::default() });
        Ok(Self { stream, clock, state })
    }

    /// The split of an exchange whose response was read.
    pub(super) fn split(&self, markers: &Markers) -> Split {
        let mut state = self.state();
        self.drain(&mut state);
        self.count(&mut state);
        state.times.resolve(markers)
    }

    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        self.drain(&mut state);
        let (amount, arrived) = kernel::receive(&self.stream, bytes)?;
        let start = state.read;
        state.read = start.saturating_add(length(amount));
        let range = start..state.read;
        if let Some(at) = arrived.filter(|_| amount > 0) {
            state.times.push(SocketEvent::Arrived(range, at));
        }
        Ok(amount)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let at = self.clock.now();
        let written = kernel::send(&self.stream, bytes);
        if let Ok(amount) = written {
            let start = state.written;
            state.written = start.saturating_add(length(amount));
            let range = start..state.written;
            state.times.push(SocketEvent::Written(range, at));
        }
        self.drain(&mut state);
        written
    }

    /// Takes all stamps that wait.
    fn drain(&self, state: &mut State) {
        let mut drained = false;
        while let Some(stamp) = kernel::next_stamp(&self.stream) {
            drained = true;
            let Some(position) = stamp.position(state.written) else { continue };
            state.times.push(match stamp {
                Stamp::Sent(_, at) => SocketEvent::Sent(position, at),
                Stamp::Acknowledged(_, at) => SocketEvent::Acknowledged(position, at),
            });
        }
        if drained {
            self.count(state);
        }
    }

    /// Notes what the kernel counts, where it counted more.
    fn count(&self, state: &mut State) {
        if let Ok(info) = kernel::info(&self.stream)
            && info.counts() != state.counts
        {
            state.counts = info.counts();
            state.times.push(SocketEvent::Counted(state.counts, self.clock.now()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StampedStream {
    /// Makes a connection one that can be waited for.
    ///
    /// # Errors
    /// Where the process has too many open files.
    pub(super) fn new(socket: Arc<StampedSocket>) -> io::Result<Self> {
        let readable = watch(&socket.stream, EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP)?;
        let writable = watch(&socket.stream, EpollFlags::EPOLLOUT)?;
        Ok(Self { socket, readable, writable })
    }
}

impl AsyncRead for StampedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = target.initialize_unfilled();
        let reading = attempt(&self.readable, context, || self.socket.read(bytes));
        let amount = ready!(reading)?;
        target.advance(amount);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StampedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        attempt(&self.writable, context, || self.socket.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.socket.stream.shutdown(Shutdown::Write) {
            // The other side was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

/// An epoll that is readable while the connection is ready for one direction, broken, or has
/// stamps.
#[expect(unsafe_code, reason = "tokio wants a promise that a descriptor stays what it is")]
fn watch(stream: &TcpStream, direction: EpollFlags) -> io::Result<AsyncFd<OwnedFd>> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(stream, EpollEvent::new(direction, 0))?;
    // SAFETY: an `OwnedFd` is one open descriptor, always the same, until it is dropped; the
    // `AsyncFd` owns it and gives it to nobody.
    let watched = unsafe { AsyncFd::register_with_interest(epoll.0, Interest::READABLE) };
    Ok(watched?)
}

/// Does something until it would not have to wait. Each turn uses up what readiness there was, so
/// that a connection that stays unready is not asked again before something happens on it.
fn attempt<T>(
    watched: &AsyncFd<OwnedFd>,
    context: &mut Context<'_>,
    mut act: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(watched.poll_read_ready(context))?.clear_ready();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::poll_fn,
        io::Read,
        net::{TcpListener, TcpStream as Server},
        rc::Rc,
    };

    use tokio::task::{LocalSet, yield_now};

    use super::*;
    use crate::clock::SystemClock;

    /// A connection with stamps and its other end; `None` where this kernel gives none.
    async fn connected() -> Option<(StampedStream, Server)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let stream = tokio::net::TcpStream::connect(server).await.unwrap();
        if let Err(error) = StampedSocket::ask(&stream) {
            eprintln!("NOT TESTED, stamps of sockets: {error}");
            return None;
        }
        let clock = Arc::new(SystemClock::new());
        let ends = (stream.local_addr().unwrap(), server);
        let opened = Opened { at: clock.now(), length: std::time::Duration::ZERO, ends };
        let socket = Arc::new(StampedSocket::new(stream, opened, clock).unwrap());
        Some((StampedStream::new(socket).unwrap(), listener.accept().unwrap().0))
    }

    #[tokio::test]
    async fn a_blocked_upload_waits_and_goes_on() {
        const BYTES: usize = 32 << 20;
        /// Enough for every stamp of what the socket's buffers take to have come.
        const TURNS: usize = 20_000;
        let Some((mut stream, mut server)) = connected().await else { return };
        let polls = Rc::new(Cell::new(0_usize));
        let counted = Rc::clone(&polls);
        let upload = async move {
            let bytes = vec![7; BYTES];
            let mut sent = 0;
            while sent < BYTES {
                sent += poll_fn(|context| {
                    counted.set(counted.get() + 1);
                    Pin::new(&mut stream).poll_write(context, &bytes[sent..])
                })
                .await
                .unwrap();
            }
        };
        let tasks = LocalSet::new();
        let uploading = tasks.spawn_local(upload);
        let reading = tasks.run_until(async {
            for _ in 0..TURNS {
                yield_now().await;
            }
            let settled = polls.get();
            for _ in 0..TURNS {
                yield_now().await;
            }
            // A delayed acknowledgement may still come.
            assert!(polls.get() <= settled + 10, "{settled} and then {}", polls.get());
            let reader = std::thread::spawn(move || {
                let mut received = vec![0; BYTES];
                server.read_exact(&mut received).map(|()| received)
            });
            uploading.await.unwrap();
            reader
        });
        let received = reading.await.join().unwrap().unwrap();
        assert!(received.iter().all(|byte| *byte == 7));
    }

    #[tokio::test]
    async fn a_closed_connection_ends_and_a_reset_one_fails() {
        let Some((mut stream, server)) = connected().await else { return };
        drop(server);
        let mut bytes = [0; 9];
        let mut target = ReadBuf::new(&mut bytes);
        poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut target)).await.unwrap();
        assert_eq!(target.filled(), b"");
        // What is written to an end that is gone is answered with a reset.
        let failed = loop {
            let writing = poll_fn(|context| Pin::new(&mut stream).poll_write(context, b"late"));
            if let Err(error) = writing.await {
                break error;
            }
        };
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&failed.kind()), "{failed}");
    }
}
