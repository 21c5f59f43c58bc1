//! The canonical spelling of the addresses in logs: without port and brackets, IPv4-mapped IPv6 addresses as IPv4, IPv6
//! addresses as RFC 5952 defines.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The canonical spelling of an address. A text that is not an address is returned unchanged.
///
/// ```
/// # use tamarin::log::address::canonical;
/// assert_eq!(&*canonical(b"[2001:DB8:0:0::7]:54321"), b"2001:db8::7");
/// assert_eq!(&*canonical(b"::ffff:192.0.2.7"), b"192.0.2.7");
/// ```
pub fn canonical(text: &[u8]) -> Cow<'_, [u8]> {
    let address = if is_canonical(text) { None } else { parse(text) };
    address.map_or(Cow::Borrowed(text), |address| Cow::Owned(address.to_string().into_bytes()))
}

/// Parses an address with or without a port, brackets or a zone.
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| {
            let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            // The zone (`fe80::1%eth0`) is the name of an interface of the server.
            let inner = inner.split_once('%').map_or(inner, |(address, _)| address);
            inner.parse::<Ipv6Addr>().map(IpAddr::V6)
        })
        .ok()?;
    Some(address.to_canonical())
}

/// Whether [`canonical`] certainly returns a text unchanged. `false` if it may not.
#[inline]
pub(super) fn is_canonical(text: &[u8]) -> bool {
    // An IPv4 address without a port has none of these bytes, and most texts that are not addresses have none.
    let is_odd = |byte: &u8| matches!(byte, b':' | b'[' | b'%');
    !text.iter().any(is_odd) || is_canonical_v6(text)
}

/// Whether a text is certainly an IPv6 address in its canonical spelling, judged by its form. This is much cheaper than
/// parsing and printing it.
fn is_canonical_v6(text: &[u8]) -> bool {
    if text.len() > 39 || text.starts_with(b"::ffff:") {
        return false;
    }
    let (before, after) = match memchr::memmem::find(text, b"::") {
        Some(at) => (&text[..at], Some(&text[at + 2..])),
        None => (text, None),
    };
    // The number of groups on one side of `::`; `None` if a group is not canonical.
    let groups = |side: &[u8]| -> Option<usize> {
        if side.is_empty() {
            return Some(0);
        }
        let mut was_zero = false;
        let mut count = 0;
        for group in side.split(|byte| *byte == b':') {
            let is_hex = group.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let is_zero = group == b"0";
            let has_form = matches!(group.len(), 1..=4) && is_hex && (is_zero || group[0] != b'0');
            if !has_form || (is_zero && was_zero) {
                return None;
            }
            was_zero = is_zero;
            count += 1;
        }
        Some(count)
    };
    match after {
        None => groups(before) == Some(8),
        Some(after) => {
            let touches =
                before.ends_with(b":0") || before == b"0" || after.starts_with(b"0:") || after == b"0";
            !touches && groups(before).zip(groups(after)).is_some_and(|(before, after)| before + after <= 6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_an_address_has_one_canonical_spelling() {
        for (spelled, address) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:54321", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::FFFF:c000:207", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:80", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:54321", "2001:db8::7"),
            ("2001:0DB8:0000:0000:0000:0000:0000:0007", "2001:db8::7"),
            ("2001:db8:0:0:0:0:0:7", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]", "fe80::1"),
            // Texts that are not addresses are unchanged.
            ("-", "-"),
            ("proxy.example:80", "proxy.example:80"),
            ("192.0.2.300:80", "192.0.2.300:80"),
            ("a:b", "a:b"),
            (":", ":"),
            ("xx.xx.xx.xx", "xx.xx.xx.xx"),
        ] {
            assert_eq!(String::from_utf8_lossy(&canonical(spelled.as_bytes())), address, "{spelled}");
        }
    }

    proptest! {
        #[test]
        fn a_text_of_canonical_form_is_what_the_standard_library_prints(
            groups in proptest::collection::vec(
                prop::sample::select(vec!["0", "1", "db8", "ffff", "00", "01", "F", "10000", ""]), 1..10),
        ) {
            let text = groups.join(":");
            if is_canonical_v6(text.as_bytes()) {
                let address = text.parse::<Ipv6Addr>();
                prop_assert!(address.is_ok(), "{}", text);
                prop_assert_eq!(address.unwrap().to_canonical().to_string(), text);
            }
        }

        #[test]
        fn every_address_that_the_standard_library_prints_is_canonical(segments: [u16; 8], zeros: [bool; 8]) {
            let segments: Vec<u16> =
                segments.iter().zip(zeros).map(|(segment, zero)| if zero { 0 } else { *segment }).collect();
            let segments: [u16; 8] = segments.try_into().unwrap();
            let text = IpAddr::V6(Ipv6Addr::from(segments)).to_canonical().to_string();
            let canonical = canonical(text.as_bytes());
            prop_assert_eq!(&*canonical, text.as_bytes());
        }
    }
}
