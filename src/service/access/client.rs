//! Which client asks: its address, as far as it can be known.

use crate::service::{Peer, State};
use axum::http::{Extensions, HeaderMap};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A range of addresses, as `10.0.0.0/8` or `2001:db8::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Says whether the address is in the range. An IPv4 address in IPv6 clothes is the IPv4 address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address and no range of addresses as `10.0.0.0/8`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The client's address: the peer's, or what the trusted proxies in front say it is.
///
/// `X-Forwarded-For` grows to the right, so it is read from there: what trusted proxies added is believed, up to the
/// first address that is none of theirs. Anything to the left of that the client may have made up.
pub(super) fn client(
    state: &State,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<IpAddr> {
    let Peer(peer) = extensions.get::<Peer>()?;
    let proxies = &state.settings().access.trusted_proxies;
    Some(behind(proxies, peer.ip().to_canonical(), headers))
}

fn behind(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.holds(address));
    if !is_proxy(peer) {
        return peer;
    }
    let mut nearest = peer;
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        for entry in line.to_str().unwrap_or_default().rsplit(',') {
            let Some(address) = address(entry.trim()) else { return nearest };
            nearest = address;
            if !is_proxy(address) {
                return address;
            }
        }
    }
    nearest
}

/// An address, of which some proxies tell the port as well.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn seen(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies: Vec<Network> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        behind(&proxies, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        for (proxies, peer, forwarded, expected) in [
            (&[][..], "192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            (&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            (&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.7"], "198.51.100.7"),
            (&["10.0.0.0/8"], "10.1.2.3", &[], "10.1.2.3"),
            // What the client wrote itself stands to the left.
            (&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            (&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            (&["10.0.0.0/8"], "10.1.2.3", &["10.8.8.8, 10.9.9.9"], "10.8.8.8"),
            (&["10.0.0.0/8"], "10.1.2.3", &["rubbish, 10.9.9.9"], "10.9.9.9"),
            (&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.7, rubbish"], "10.1.2.3"),
            (&["10.0.0.0/8"], "10.1.2.3", &["\u{e9}"], "10.1.2.3"),
            (&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.7:4711"], "198.51.100.7"),
            (&["2001:db8::/32"], "2001:db8::1", &["[2001:dead::1]:4711"], "2001:dead::1"),
            (&["2001:db8::/32"], "2001:db8::1", &["[2001:dead::1]"], "2001:dead::1"),
            (&["2001:db8::/32"], "2001:db8::1", &["::ffff:192.0.2.9"], "192.0.2.9"),
        ] {
            assert_eq!(seen(proxies, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_network_is_what_its_bits_say() {
        for (network, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.holds(address.parse().unwrap()), holds, "{network} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/", "host"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("10.0.0.1".parse::<Network>().unwrap().to_string(), "10.0.0.1/32");
    }
}
