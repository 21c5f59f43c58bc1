//! Writes small databases of addresses in MaxMind format, as "MaxMind DB File Format Specification" 2.0 defines it.

use std::net::IpAddr;

use ipnet::IpNet;

/// A value of a record.
#[derive(Clone, Debug)]
#[allow(dead_code)] // each user of this file needs some
pub(crate) enum Data {
    Text(String),
    Number(u32),
    Map(Vec<(String, Data)>),
}

const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
/// An extended type is 7 more than the byte that follows the control byte.
const UINT64_EXTENDED: u8 = 9 - 7;
const ARRAY_EXTENDED: u8 = 11 - 7;

fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    match size {
        0..29 => out.push(kind << 5 | size as u8),
        _ => out.extend([kind << 5 | 29, u8::try_from(size - 29).unwrap()]),
    }
}

fn put(data: &Data, out: &mut Vec<u8>) {
    match data {
        Data::Text(text) => {
            control(TEXT, text.len(), out);
            out.extend(text.as_bytes());
        }
        Data::Number(number) => {
            control(UINT32, 4, out);
            out.extend(number.to_be_bytes());
        }
        Data::Map(entries) => {
            control(MAP, entries.len(), out);
            for (key, value) in entries {
                put(&Data::Text(key.clone()), out);
                put(value, out);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Child {
    None,
    Node(usize),
    Data(usize),
}

/// The bytes of a database with one record per network. IPv4 addresses are in `::/96`, as in the databases of vendors.
pub(crate) fn database(kind: &str, networks: &[(&str, Data)]) -> Vec<u8> {
    let mut nodes = vec![[Child::None; 2]];
    let mut data = Vec::new();
    for (network, record) in networks {
        let network: IpNet = network.parse().unwrap();
        let (bits, length) = match network.addr() {
            IpAddr::V4(address) => (u128::from(u32::from(address)), network.prefix_len() + 96),
            IpAddr::V6(address) => (u128::from(address), network.prefix_len()),
        };
        let offset = data.len();
        put(record, &mut data);
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[node][side] = Child::Data(offset);
            } else if let Child::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Child::None; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Child::Node(next);
                node = next;
            }
        }
    }
    let mut out = Vec::new();
    for child in nodes.iter().flatten() {
        let number = match child {
            Child::None => nodes.len(),
            Child::Node(node) => *node,
            Child::Data(offset) => nodes.len() + 16 + offset,
        };
        out.extend(u32::try_from(number).unwrap().to_be_bytes());
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    control(MAP, 9, &mut out);
    let uint16 = |key: &str, number: u16, out: &mut Vec<u8>| {
        put(&Data::Text(key.to_owned()), out);
        control(UINT16, 2, out);
        out.extend(number.to_be_bytes());
    };
    uint16("binary_format_major_version", 2, &mut out);
    uint16("binary_format_minor_version", 0, &mut out);
    uint16("ip_version", 6, &mut out);
    uint16("record_size", 32, &mut out);
    for (key, value) in [
        ("database_type", Data::Text(kind.to_owned())),
        ("node_count", Data::Number(u32::try_from(nodes.len()).unwrap())),
        ("description", Data::Map(Vec::new())),
    ] {
        put(&Data::Text(key.to_owned()), &mut out);
        put(&value, &mut out);
    }
    put(&Data::Text("build_epoch".to_owned()), &mut out);
    out.extend([8, UINT64_EXTENDED]);
    out.extend(1_793_000_000u64.to_be_bytes());
    put(&Data::Text("languages".to_owned()), &mut out);
    out.extend([0, ARRAY_EXTENDED]);
    out
}
