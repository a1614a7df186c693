//! What the kernel is asked about a socket, and how its answers read.
//!
//! `SO_TIMESTAMPING` as Linux's `networking/timestamping.rst` has it. Stamps name the last byte of
//! a write by its distance from the first byte after the option was set.

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use armol_analysis::{socket_times::SocketCounts, time::Timestamp};
use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    sys::{
        socket::{self, ControlMessageOwned, MsgFlags, TimestampingFlag, sockopt::Timestamping},
        time::TimeSpec,
    },
};

/// `SOF_TIMESTAMPING_TX_SCHED`, `_TX_ACK` of `linux/net_tstamp.h`.
const SCHEDULED: u32 = 1 << 8;
const ACKNOWLEDGED: u32 = 1 << 9;

/// `SO_EE_ORIGIN_TIMESTAMPING`, and `SCM_TSTAMP_SCHED`, `SCM_TSTAMP_ACK` of `linux/errqueue.h`.
const ORIGIN: u8 = 4;
const KIND_SCHEDULED: u32 = 1;
const KIND_ACKNOWLEDGED: u32 = 2;

/// Something that happened to the last byte of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// It left for the network, perhaps not for the first time.
    Sent(u32, Timestamp),
    /// It was acknowledged.
    Acknowledged(u32, Timestamp),
}

/// The start of `struct tcp_info`, as far as something of it is used here.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpInfo([u8; 220]);

/// Where in it the smoothed round trip is, in microseconds; how many segments were sent more than
/// once; and how many duplicates were reported, which kernels before 4.19 do not have.
const ROUND_TRIP: usize = 68;
const RESENT: usize = 100;
const DUPLICATES: usize = 216;

impl TcpInfo {
    /// SYN to SYN-ACK, on a connection over which nothing else went; `None` where the SYN was sent
    /// more than once.
    pub(super) fn handshake(&self) -> Option<Duration> {
        let length = Duration::from_micros(self.number(ROUND_TRIP).into());
        (self.number(RESENT) == 0 && !length.is_zero()).then_some(length)
    }

    /// What is counted.
    pub(super) fn counts(&self) -> SocketCounts {
        SocketCounts { resent: self.number(RESENT), duplicates: self.number(DUPLICATES) }
    }

    fn number(&self, offset: usize) -> u32 {
        let bytes = self.0.get(offset..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }
}

impl Stamp {
    /// The byte's position in a stream of which so much was written.
    pub(super) fn position(self, written: u64) -> Option<u64> {
        let (Self::Sent(name, _) | Self::Acknowledged(name, _)) = self;
        let last = written.checked_sub(1)?;
        let low = u32::try_from(last & u64::from(u32::MAX)).ok()?;
        last.checked_sub(u64::from(low.wrapping_sub(name)))
    }
}

/// Asks for stamps. Over a connection on which nothing was sent yet, so that the first byte is the
/// one that names count from, whichever way the kernel has of it.
pub(super) fn ask_for_stamps(socket: &impl AsFd) -> io::Result<()> {
    let wanted = unnamed_stamps() | TimestampingFlag::SOF_TIMESTAMPING_OPT_ID;
    Ok(socket::setsockopt(socket, Timestamping, &wanted)?)
}

/// Asks the same of a socket without a connection, whose bytes cannot have names yet.
pub(super) fn try_asking(socket: &impl AsFd) -> io::Result<()> {
    Ok(socket::setsockopt(socket, Timestamping, &unnamed_stamps())?)
}

fn unnamed_stamps() -> TimestampingFlag {
    TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_OPT_TSONLY
        | TimestampingFlag::from_bits_retain(SCHEDULED | ACKNOWLEDGED)
}

/// What the kernel knows of a connection; zero for what an older one does not.
#[expect(unsafe_code, reason = "no safe function reads as much of this option as there is")]
pub(super) fn info(socket: &impl AsFd) -> io::Result<TcpInfo> {
    let mut info = [0_u8; size_of::<TcpInfo>()];
    let mut length = libc::socklen_t::try_from(info.len()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for as long as it is borrowed; the kernel writes at most
    // `length` bytes to `info`, which has as many, and any bytes are a value of it.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(result)?;
    Ok(TcpInfo(info))
}

/// Writes bytes as segments of their own: to bytes that wait the kernel would append the next
/// write, and keep the stamp of that one alone.
pub(super) fn send(socket: &impl AsRawFd, bytes: &[u8]) -> io::Result<usize> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_EOR;
    Ok(socket::send(socket.as_raw_fd(), bytes, flags)?)
}

/// Reads bytes, and when the last segment that they came in arrived.
pub(super) fn receive(
    socket: &impl AsRawFd,
    bytes: &mut [u8],
) -> io::Result<(usize, Option<Timestamp>)> {
    let mut space = cmsg_space!([TimeSpec; 3]);
    let mut slices = [IoSliceMut::new(bytes)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = socket::recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags)?;
    let arrived = message.cmsgs().ok().and_then(|mut messages| {
        messages.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampsns(stamps) => timestamp(stamps.system),
            _ => None,
        })
    });
    Ok((message.bytes, arrived))
}

/// Takes the next stamp from the error queue; `None` where there is none, or the queue cannot be
/// read: what is wrong with a connection shows when it is read or written.
pub(super) fn next_stamp(socket: &impl AsRawFd) -> Option<Stamp> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_ERRQUEUE;
    loop {
        let mut space = cmsg_space!([TimeSpec; 3], libc::sock_extended_err, libc::sockaddr_in6);
        let mut slices = [];
        let message =
            socket::recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags).ok()?;
        if let Some(stamp) = message.cmsgs().ok().and_then(stamp) {
            return Some(stamp);
        }
    }
}

/// Reads an entry of the error queue; `None` where it is of another kind.
fn stamp(messages: impl Iterator<Item = ControlMessageOwned>) -> Option<Stamp> {
    let mut at = None;
    let mut of = None;
    for message in messages {
        match message {
            ControlMessageOwned::ScmTimestampsns(stamps) => at = timestamp(stamps.system),
            ControlMessageOwned::Ipv4RecvErr(error, _)
            | ControlMessageOwned::Ipv6RecvErr(error, _)
                if error.ee_origin == ORIGIN =>
            {
                of = Some((error.ee_info, error.ee_data));
            }
            _ => {}
        }
    }
    match of? {
        (KIND_SCHEDULED, name) => Some(Stamp::Sent(name, at?)),
        (KIND_ACKNOWLEDGED, name) => Some(Stamp::Acknowledged(name, at?)),
        _ => None,
    }
}

/// A stamp's time; `None` where the kernel had none, which it says with zero.
fn timestamp(time: TimeSpec) -> Option<Timestamp> {
    let seconds = time.tv_sec().checked_mul(1_000_000_000)?;
    let nanoseconds = seconds.checked_add(time.tv_nsec())?;
    (nanoseconds > 0).then(|| Timestamp::from_unix_ns(nanoseconds))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    const AT: Timestamp = Timestamp::from_unix_ns(1);

    #[test]
    fn a_stamp_names_a_byte_through_every_wrap_of_its_counter() {
        let position = |name, written| Stamp::Sent(name, AT).position(written);
        assert_eq!(position(99, 100), Some(99));
        assert_eq!(position(0, 100), Some(0));
        assert_eq!(position(u32::MAX, (1 << 32) + 5), Some((1 << 32) - 1));
        assert_eq!(position(3, (1 << 32) + 5), Some((1 << 32) + 3));
        assert_eq!(position(0, 0), None);
        assert_eq!(position(100, 100), None);
    }

    #[test]
    fn the_kernel_names_the_last_byte_of_each_write_from_the_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        if let Err(error) = ask_for_stamps(&client) {
            eprintln!("NOT TESTED, stamps of sockets: {error}");
            return;
        }
        assert!(info(&client).unwrap().handshake().is_some());
        let _server = listener.accept().unwrap();
        let mut sent = Vec::new();
        for length in [1, 9] {
            client.write_all(&vec![0; length]).unwrap();
            while let Some(stamp) = next_stamp(&client) {
                if let Stamp::Sent(name, _) = stamp {
                    sent.push(name);
                }
            }
        }
        assert_eq!(sent, [0, 9]);
    }
}
