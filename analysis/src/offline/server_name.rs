//! What servers are called: the name that a client asks for in its ClientHello (RFC 6066), and the
//! names that DNS answers give to addresses (RFC 1035).
//!
//! Both only label an exchange, so what cannot be read has no name, and nothing is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The extension that carries the name, and its only type of name.
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
const CLIENT_HELLO: u8 = 1;
/// The header of a DNS message; the bit that says it is a response.
const DNS_HEADER: usize = 12;
const IS_RESPONSE: u8 = 0x80;
/// Record types.
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
/// The most pointers that a compressed name may follow, and the longest name.
const MOST_POINTERS: usize = 16;
const LONGEST_NAME: usize = 253;

/// The server's name in a handshake message; `None` where it is no whole ClientHello with one.
pub(super) fn of_client_hello(message: &[u8]) -> Option<String> {
    let mut rest = Reader(message);
    (rest.byte()? == CLIENT_HELLO).then_some(())?;
    rest.skip(3 + 2 + 32)?;
    let session = usize::from(rest.byte()?);
    rest.skip(session)?;
    let ciphers = usize::from(rest.number()?);
    rest.skip(ciphers)?;
    let compressions = usize::from(rest.byte()?);
    rest.skip(compressions + 2)?;
    loop {
        let kind = rest.number()?;
        let length = usize::from(rest.number()?);
        let mut body = Reader(rest.take(length)?);
        if kind == SERVER_NAME {
            body.skip(2)?;
            (body.byte()? == HOST_NAME).then_some(())?;
            let length = usize::from(body.number()?);
            return host_name(body.take(length)?);
        }
    }
}

/// The addresses of a DNS response, with the name that was asked for.
pub(super) fn of_dns_response(message: &[u8]) -> Vec<(IpAddr, String)> {
    read_dns(message).unwrap_or_default()
}

fn read_dns(message: &[u8]) -> Option<Vec<(IpAddr, String)>> {
    let mut rest = Reader(message);
    rest.skip(2)?;
    (rest.byte()? & IS_RESPONSE != 0).then_some(())?;
    rest.skip(1)?;
    let (questions, answers) = (rest.number()?, rest.number()?);
    (questions == 1).then_some(())?;
    rest.skip(4)?;
    let asked = name(message, DNS_HEADER)?;
    skip_name(&mut rest)?;
    rest.skip(4)?;
    let mut found = Vec::new();
    for _ in 0..answers {
        if skip_name(&mut rest).is_none() {
            break;
        }
        let Some(kind) = rest.number() else { break };
        let Some(()) = rest.skip(2 + 4) else { break };
        let Some(length) = rest.number() else { break };
        let Some(data) = rest.take(usize::from(length)) else { break };
        if let Some(address) = address(kind, data) {
            found.push((address, asked.clone()));
        }
    }
    Some(found)
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    match kind {
        TYPE_A => <[u8; 4]>::try_from(data).ok().map(|octets| Ipv4Addr::from(octets).into()),
        TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// The name at a place of a message, which may be compressed.
fn name(message: &[u8], place: usize) -> Option<String> {
    let mut rest = Reader(message.get(place..)?);
    let mut name = String::new();
    let mut pointers = 0;
    loop {
        let length = rest.byte()?;
        if length == 0 {
            break;
        }
        if length >= 0xc0 {
            pointers += 1;
            let place = usize::from(length & 0x3f) << 8 | usize::from(rest.byte()?);
            rest = Reader(message.get(place..).filter(|_| pointers <= MOST_POINTERS)?);
            continue;
        }
        let label = rest.take(usize::from(length))?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).ok()?);
        (name.len() <= LONGEST_NAME).then_some(())?;
    }
    host_name(name.as_bytes())
}

fn skip_name(rest: &mut Reader<'_>) -> Option<()> {
    loop {
        match rest.byte()? {
            0 => return Some(()),
            length if length >= 0xc0 => return rest.skip(1),
            length => rest.skip(usize::from(length))?,
        }
    }
}

/// A name that can be shown: letters, digits, dots, hyphens and underscores.
fn host_name(bytes: &[u8]) -> Option<String> {
    let shown = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    if bytes.is_empty() || !bytes.iter().all(shown) {
        return None;
    }
    std::str::from_utf8(bytes).ok().map(str::to_ascii_lowercase)
}

/// Reads from the front.
struct Reader<'m>(&'m [u8]);

impl<'m> Reader<'m> {
    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(|_| ())
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_addresses_of_an_alias_under_the_name_asked_for() {
        let mut message = vec![0, 7, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
        message.extend(b"\x03api\x07example\x03com\0");
        message.extend([0, 1, 0, 1]);
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'x', 0xc0, 16]);
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
        let expected = (IpAddr::from([192, 0, 2, 1]), "api.example.com".to_owned());
        assert_eq!(of_dns_response(&message), [expected]);
        for cut in 0..message.len() {
            assert!(of_dns_response(message.get(..cut).unwrap()).is_empty(), "{cut}");
        }
    }

    #[test]
    fn reads_the_name_of_a_client_hello() {
        let mut hello = vec![CLIENT_HELLO, 0, 0, 0, 3, 3];
        hello.extend([0; 32]);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 0]);
        hello.extend([0, 10, 0, 2, 0, 0]);
        hello.extend([0, 0, 0, 16, 0, 14, 0, 0, 11]);
        hello.extend(b"Example.com");
        assert_eq!(of_client_hello(&hello), Some("example.com".to_owned()));
        for cut in 0..hello.len() {
            assert_eq!(of_client_hello(hello.get(..cut).unwrap()), None, "{cut}");
        }
    }
}
