//! Which network interface leads to a provider.
//!
//! The kernel is asked by connecting a UDP socket, which sends nothing: the socket's own address
//! then is that of the interface that the route takes.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use thiserror::Error;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Why no interface was found.
#[derive(Debug, Error)]
pub enum InterfaceError {
    /// The machine's interfaces cannot be listed.
    #[error("cannot list network interfaces")]
    List(#[source] pcap::Error),
    /// There is none of that name.
    #[error("no network interface {name:?}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// There is no address to reach.
    #[error(
        "no provider's address is known; set capture.interface, or start again when names resolve"
    )]
    NoAddress,
    /// There is no route.
    #[error("no route to {address}")]
    Route {
        /// The provider's address.
        address: IpAddr,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The route's interface is not one that libpcap knows.
    #[error("no interface has the address {0} that packets leave from; set capture.interface")]
    NoneWith(IpAddr),
}

/// The interfaces that lead to these addresses, each once; only the named one where there is a
/// name.
///
/// An address without a route is left out where another has one: names resolve to IPv6 addresses
/// on machines without IPv6 too, and no connection to them will be opened either.
///
/// # Errors
/// Where there is none of that name, or no route to any address.
pub fn interfaces_of(
    name: Option<&str>,
    addresses: &[SocketAddr],
) -> Result<Vec<Interface>, InterfaceError> {
    let all = list()?;
    if let Some(name) = name {
        let named = all.iter().find(|interface| interface.name == name).cloned();
        return named.map(|interface| vec![interface]).ok_or_else(|| {
            let known = all.iter().map(|interface| interface.name.as_str()).collect::<Vec<_>>();
            InterfaceError::Unknown { name: name.to_owned(), known: known.join(", ") }
        });
    }
    let mut found = Vec::new();
    let mut unreachable = InterfaceError::NoAddress;
    for address in addresses {
        let local = match local_address(*address) {
            Ok(local) => local,
            Err(source) => {
                unreachable = InterfaceError::Route { address: address.ip(), source };
                continue;
            }
        };
        let interface = all
            .iter()
            .find(|interface| interface.addresses.contains(&local))
            .ok_or(InterfaceError::NoneWith(local))?;
        if !found.contains(interface) {
            found.push(interface.clone());
        }
    }
    if found.is_empty() { Err(unreachable) } else { Ok(found) }
}

fn list() -> Result<Vec<Interface>, InterfaceError> {
    let devices = pcap::Device::list().map_err(InterfaceError::List)?;
    let interfaces = devices.into_iter().map(|device| Interface {
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        name: device.name,
    });
    Ok(interfaces.collect())
}

/// The address that packets to an address leave from.
fn local_address(remote: SocketAddr) -> io::Result<IpAddr> {
    let any = match remote {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_through_loopback() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
        let interfaces = interfaces_of(None, &[here, here]).unwrap();
        let [loopback] = interfaces.as_slice() else { panic!("{interfaces:?}") };
        assert_eq!(loopback.name, "lo");
        assert_eq!(interfaces_of(Some("lo"), &[]).unwrap(), interfaces);
    }

    /// No UDP socket connects to it unless it asked to broadcast, whatever the routes are.
    const UNREACHABLE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), 443);

    #[test]
    fn an_address_without_a_route_hides_no_other() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
        let interfaces = interfaces_of(None, &[UNREACHABLE, here]).unwrap();
        assert_eq!(interfaces, interfaces_of(None, &[here]).unwrap());
        let nowhere = interfaces_of(None, &[UNREACHABLE]);
        assert!(matches!(nowhere, Err(InterfaceError::Route { .. })), "{nowhere:?}");
    }

    #[test]
    fn no_address_is_no_capture() {
        let message = interfaces_of(None, &[]).unwrap_err().to_string();
        assert!(message.contains("set capture.interface"), "{message}");
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_there_are() {
        let message = interfaces_of(Some("nope0"), &[]).unwrap_err().to_string();
        assert!(message.starts_with("no network interface \"nope0\"; there are "), "{message}");
        assert!(message.contains("lo"), "{message}");
    }
}
