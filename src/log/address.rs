//! The canonical spelling of the addresses in logs: without port and brackets, IPv4-mapped IPv6 addresses as IPv4, IPv6
//! addresses as RFC 5952 defines.

use std::borrow::Cow;
use std::net::IpAddr;

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

/// Parses an address with or without a port, brackets or a zone. The port may be any number.
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let without_port = || {
        let (address, _) = text.rsplit_once(':').filter(|(_, port)| is_port(port))?;
        // After the last group of an IPv6 address without brackets, a port would be another group, unless the
        // last group is an IPv4 address.
        (address.ends_with(']') || address.contains('.')).then_some(address)
    };
    let address = text.parse::<IpAddr>().ok().or_else(|| {
        let text = without_port().unwrap_or(text);
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        // The zone (`fe80::1%eth0`) is the name of an interface of the server.
        let unbracketed = inner.unwrap_or(text);
        let (address, zone) = unbracketed.split_once('%').unzip();
        let parsed = address.unwrap_or(unbracketed).parse::<IpAddr>().ok()?;
        (parsed.is_ipv6() || inner.is_none() && zone.is_none()).then_some(parsed)
    })?;
    Some(address.to_canonical())
}

/// The first address of a list of addresses separated by commas, as proxies forward it: that of the client. `None` if
/// the text is not such a list.
pub(super) fn first_of_list(text: &[u8]) -> Option<&[u8]> {
    let first = &text[..memchr::memchr(b',', text)?];
    text.split(|byte| *byte == b',').all(|address| parse(address.trim_ascii()).is_some()).then_some(first)
}

/// Whether [`canonical`] certainly returns a text unchanged. `false` if it may not.
#[inline]
pub(super) fn is_canonical(text: &[u8]) -> bool {
    // An IPv4 address without a port has none of these bytes, and most texts that are not addresses have none.
    let is_odd = |byte: &u8| matches!(byte, b':' | b'[' | b'%' | b',');
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
    use std::net::Ipv6Addr;

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
            ("[fe80::1%eth0]:80", "fe80::1"),
            ("::ffff:192.0.2.7:54321", "192.0.2.7"),
            ("192.0.2.7:99999", "192.0.2.7"),
            ("[2001:db8::7]:99999", "2001:db8::7"),
            // Texts that are not addresses are unchanged.
            ("-", "-"),
            ("proxy.example:80", "proxy.example:80"),
            ("192.0.2.300:80", "192.0.2.300:80"),
            ("192.0.2.7:", "192.0.2.7:"),
            ("192.0.2.7:http", "192.0.2.7:http"),
            ("[192.0.2.7]", "[192.0.2.7]"),
            ("a:b", "a:b"),
            (":", ":"),
            ("xx.xx.xx.xx", "xx.xx.xx.xx"),
        ] {
            assert_eq!(String::from_utf8_lossy(&canonical(spelled.as_bytes())), address, "{spelled}");
        }
    }

    #[test]
    fn the_first_address_of_a_list_is_that_of_the_client() {
        for (list, first) in [
            ("192.0.2.7, 198.51.100.9", Some("192.0.2.7")),
            ("192.0.2.7,198.51.100.9,2001:db8::7", Some("192.0.2.7")),
            ("[2001:db8::7]:80, 192.0.2.7", Some("[2001:db8::7]:80")),
            ("192.0.2.7", None),
            ("192.0.2.7,", None),
            ("192.0.2.7, proxy", None),
            ("a,b", None),
        ] {
            assert_eq!(first_of_list(list.as_bytes()), first.map(str::as_bytes), "{list}");
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
