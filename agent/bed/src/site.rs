//! One end of the network: a namespace of its own with a TAP device in it, belonging to a thread.
//!
//! A namespace ends with its last thread and a device with its descriptor, so whatever ends this
//! process leaves nothing behind.

use std::{
    io,
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::{Command, Stdio},
};

use thiserror::Error;

use crate::tap::{Tap, leave_network};

/// Both ends' device, each in its own namespace.
pub(crate) const DEVICE: &str = "bed0";

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where the agent is.
    Agent,
    /// Where the providers are.
    Provider,
}

/// What an end is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Which one it is.
    pub(crate) side: Side,
    /// Whether addresses are of IPv6.
    pub(crate) ipv6: bool,
    /// Whether packets of up to 64 KB leave it as one.
    pub(crate) super_packets: bool,
    /// Its congestion control.
    pub(crate) congestion_control: &'static str,
}

/// Why there is no such end.
#[derive(Debug, Error)]
pub(crate) enum SiteError {
    /// It takes more privileges.
    #[error("cannot make a network namespace with a TAP device; run as root, with /dev/net/tun")]
    Refused(#[source] io::Error),
    /// `ip` cannot be started.
    #[error("cannot run `ip`; install iproute2")]
    NoTool(#[source] io::Error),
    /// `ip` did not do as it was told.
    #[error("cannot set up the device: {0}")]
    Configuration(String),
}

impl Side {
    /// Its address.
    pub(crate) const fn address(self, ipv6: bool) -> IpAddr {
        let last = match self {
            Self::Agent => 1,
            Self::Provider => 2,
        };
        if ipv6 {
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0xbed, 0, 0, 0, 0, 0, last as u16))
        } else {
            IpAddr::V4(Ipv4Addr::new(10, 77, 0, last))
        }
    }

    const fn mac(self) -> &'static str {
        match self {
            Self::Agent => "02:00:00:00:0b:01",
            Self::Provider => "02:00:00:00:0b:02",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Agent => Self::Provider,
            Self::Provider => Self::Agent,
        }
    }
}

impl Site {
    /// Moves the calling thread, and threads that it starts from then on, to this end; returns the
    /// device that its packets leave by.
    ///
    /// # Errors
    /// Where that is not allowed, or `ip` is missing.
    pub(crate) fn settle(&self) -> Result<Tap, SiteError> {
        leave_network().map_err(SiteError::Refused)?;
        let tap = Tap::make(DEVICE, self.super_packets).map_err(SiteError::Refused)?;
        configure(&self.commands())?;
        Ok(tap)
    }

    /// What `ip` is told. The other end's hardware address is given, so that no packet waits until
    /// it is asked for; packets of the kernel's own are kept off the link. A route may name any
    /// congestion control, a namespace only such as are not restricted.
    fn commands(&self) -> String {
        let Self { side, ipv6, congestion_control, .. } = *self;
        let (address, peer) = (side.address(ipv6), side.other().address(ipv6));
        let (mac, peer_mac) = (side.mac(), side.other().mac());
        let flags = if ipv6 { " nodad" } else { "" };
        format!(
            "link set lo up\n\
             link set {DEVICE} address {mac} mtu 1500 addrgenmode none\n\
             link set {DEVICE} up\n\
             address add {address} dev {DEVICE}{flags}\n\
             route add {peer} dev {DEVICE} src {address} congctl {congestion_control}\n\
             neighbour replace {peer} lladdr {peer_mac} dev {DEVICE} nud permanent\n"
        )
    }
}

fn configure(commands: &str) -> Result<(), SiteError> {
    let mut ip = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SiteError::NoTool)?;
    if let Some(mut input) = ip.stdin.take() {
        input.write_all(commands.as_bytes()).map_err(SiteError::NoTool)?;
    }
    let ended = ip.wait_with_output().map_err(SiteError::NoTool)?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr).trim().replace('\n', "; ");
    Err(SiteError::Configuration(said))
}
