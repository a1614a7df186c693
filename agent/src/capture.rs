//! The agent's own packets, seen by libpcap and turned into splits.
//!
//! The only file that names the `pcap` crate. Each interface has one handle, opened once, read by
//! a thread of its own that feeds a [`Splitter`]; whoever calls providers announces its local ports
//! and asks for splits. Needs `CAP_NET_RAW` and nothing else: no promiscuous mode, header bytes only.

mod interface;

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use armol_analysis::{
    frame::{Frame, LinkType},
    split::{Split, SplitFlags},
    splitter::{Markers, Splitter},
    time::Timestamp,
};
use pcap::{Active, BreakLoop, Precision};
use thiserror::Error;
use tokio::{sync::Notify, time};

pub use interface::{Interface, InterfaceError, interfaces_of};

/// How much of each packet is kept, in bytes: link, IP and TCP headers with every option.
const SNAPLEN: i32 = 192;

/// The kernel's buffer, in bytes: some ten thousand packets, more than a second of a fast upload.
const BUFFER_BYTES: i32 = 8 * 1024 * 1024;

/// How long to wait for the last packets of an exchange, which reach the socket before libpcap.
const SETTLE: Duration = Duration::from_millis(250);

/// Why packets cannot be captured.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// libpcap refused.
    #[error(
        "cannot capture on {interface}; allow it with: sudo setcap cap_net_raw+ep {}",
        program()
    )]
    Open {
        /// The interface.
        interface: String,
        /// What libpcap said.
        #[source]
        source: pcap::Error,
    },
    /// The interface's frames are of a kind that is not understood.
    #[error("{interface} has link type {number}, which is not understood; name another interface")]
    LinkType {
        /// The interface.
        interface: String,
        /// libpcap's number of the kind.
        number: i32,
    },
    /// The reading thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// This program's path, for a command that can be typed.
fn program() -> String {
    std::env::current_exe()
        .map_or_else(|_| "armol-agent".to_owned(), |path| path.display().to_string())
}

/// Every interface that providers are reached through.
#[derive(Debug)]
pub struct Capture {
    taps: Vec<Tap>,
}

/// One interface with its thread.
#[derive(Debug)]
struct Tap {
    addresses: Vec<IpAddr>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the callers both touch.
struct Shared {
    state: Mutex<State>,
    /// Told of every frame.
    arrived: Notify,
    stop: AtomicBool,
    /// Wakes the thread, which otherwise waits for a packet however long it takes.
    wake: BreakLoop,
}

struct State {
    splitter: Splitter,
    /// Whether no more frames come, because the interface is gone.
    ended: bool,
    /// Frames that the kernel dropped so far.
    dropped: u64,
    /// The drops at the time when a port's exchange under way may have begun.
    dropped_before: HashMap<u16, u64>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, frames from one local port are kept.
#[derive(Debug)]
pub struct Watch {
    port: u16,
    taps: Vec<Arc<Shared>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        for shared in &self.taps {
            let mut state = shared.state();
            state.splitter.unwatch(self.port);
            state.dropped_before.remove(&self.port);
        }
    }
}

impl Capture {
    /// Opens interfaces for TCP connections to these ports.
    ///
    /// # Errors
    /// Where one cannot be opened, mostly for want of `CAP_NET_RAW`.
    pub fn open(interfaces: &[Interface], ports: &[u16]) -> Result<Self, CaptureError> {
        let filter = filter(ports);
        let mut taps = Vec::with_capacity(interfaces.len());
        for interface in interfaces {
            taps.push(Tap::open(interface, &filter)?);
        }
        Ok(Self { taps })
    }

    /// Keeps frames of connections from a local port; call it before connecting.
    pub fn watch(&self, port: u16) -> Watch {
        let taps = self.taps.iter().map(|tap| Arc::clone(&tap.shared)).collect::<Vec<_>>();
        for shared in &taps {
            let mut state = shared.state();
            let dropped = state.dropped;
            state.splitter.watch(port);
            state.dropped_before.insert(port, dropped);
        }
        Watch { port, taps }
    }

    /// The split of an exchange that ended, as soon as its last packets are in; `None` where no
    /// packet of the connection was seen.
    pub async fn split(&self, markers: &Markers) -> Option<Split> {
        let shared = &self.tap_of(markers.client)?.shared;
        // A split is made of what is there when time is up, and says what is missing.
        let _ = time::timeout(SETTLE, shared.wait_for(markers)).await;
        let mut state = shared.state();
        let mut split = state.splitter.resolve(markers)?;
        let dropped = state.dropped;
        let before = state.dropped_before.insert(markers.client.port(), dropped);
        if before.is_some_and(|before| before < dropped) {
            split.flags |= SplitFlags::KERNEL_DROPS;
        }
        Some(split)
    }

    fn tap_of(&self, client: SocketAddr) -> Option<&Tap> {
        match self.taps.as_slice() {
            [only] => Some(only),
            taps => taps.iter().find(|tap| tap.addresses.contains(&client.ip())),
        }
    }
}

impl Shared {
    async fn wait_for(&self, markers: &Markers) {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // Listening from here on, so that no frame comes unnoticed after the look.
            arrived.as_mut().enable();
            {
                let state = self.state();
                if state.ended || state.splitter.has_seen(markers) {
                    return;
                }
            }
            arrived.await;
        }
    }
}

impl Tap {
    fn open(interface: &Interface, filter: &str) -> Result<Self, CaptureError> {
        let failed = |source| CaptureError::Open { interface: interface.name.clone(), source };
        let mut handle = pcap::Capture::from_device(interface.name.as_str())
            .map_err(failed)?
            .immediate_mode(true)
            .promisc(false)
            .snaplen(SNAPLEN)
            .buffer_size(BUFFER_BYTES)
            .precision(Precision::Nano)
            .open()
            .map_err(failed)?;
        handle.filter(filter, true).map_err(failed)?;
        let number = handle.get_datalink().0;
        let link_type = LinkType::from_number(number)
            .ok_or_else(|| CaptureError::LinkType { interface: interface.name.clone(), number })?;
        let splitter = Splitter::new(link_type);
        let state = State { splitter, ended: false, dropped: 0, dropped_before: HashMap::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            arrived: Notify::new(),
            stop: AtomicBool::new(false),
            wake: handle.breakloop_handle(),
        });
        let name = interface.name.clone();
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name(format!("capture-{name}"))
            .spawn(move || read(handle, &for_thread, &name))
            .map_err(CaptureError::Thread)?;
        Ok(Self { addresses: interface.addresses.clone(), shared, thread: Some(thread) })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.wake.breakloop();
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported when it happened.
            drop(thread.join());
        }
    }
}

/// Reads packets until told to stop.
fn read(mut handle: pcap::Capture<Active>, shared: &Shared, interface: &str) {
    while !shared.stop.load(Ordering::Relaxed) {
        match handle.next_packet() {
            Ok(packet) => {
                // With `Precision::Nano` the field for microseconds holds nanoseconds.
                let (seconds, nanoseconds) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
                let frame = Frame {
                    timestamp: Timestamp::from_unix_ns(seconds * 1_000_000_000 + nanoseconds),
                    wire_len: packet.header.len,
                    bytes: packet.data,
                };
                shared.state().splitter.push(&frame);
                shared.arrived.notify_waiters();
            }
            Err(pcap::Error::TimeoutExpired) => {}
            Err(_woken) if shared.stop.load(Ordering::Relaxed) => return,
            Err(error) => {
                tracing::error!(interface, %error, "capture ended; application times stand in");
                shared.state().ended = true;
                shared.arrived.notify_waiters();
                return;
            }
        }
        count_drops(&mut handle, shared, interface);
    }
}

/// Notes how many packets the kernel dropped so far.
fn count_drops(handle: &mut pcap::Capture<Active>, shared: &Shared, interface: &str) {
    let Ok(counts) = handle.stats() else { return };
    let dropped = u64::from(counts.dropped) + u64::from(counts.if_dropped);
    let mut state = shared.state();
    if dropped > state.dropped {
        tracing::warn!(interface, dropped, "the kernel dropped packets");
        state.dropped = dropped;
    }
}

/// The BPF program's source: TCP to or from the providers' ports.
fn filter(ports: &[u16]) -> String {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports.dedup();
    let terms = ports.iter().map(|port| format!("tcp port {port}")).collect::<Vec<_>>();
    terms.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_by_each_port_once() {
        assert_eq!(filter(&[443, 8443, 443]), "tcp port 443 or tcp port 8443");
    }
}
