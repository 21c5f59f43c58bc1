//! The list of the fields of a record, the only one in the project: the parser, the cache, the filter language, tables,
//! exports and help all use it.
//!
//! Names and order follow the server access log format of the Amazon S3 User Guide
//! ("Amazon S3 server access log format"), in lower case with underscores.

/// The role of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The instant of the request.
    Time,
    /// A field to group and filter by; the cache has a dictionary of its values.
    Dimension,
    /// A number that is aggregated per group.
    Measure,
    /// A field that is read only for single requests, or if a filter names it.
    Detail,
}

/// The type of the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Any bytes, nearly always UTF-8.
    Text,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An unsigned integer.
    Integer,
    /// Seconds since 1970-01-01T00:00:00Z.
    Instant,
}

/// The description of a field.
#[derive(Debug)]
pub struct FieldSpec {
    /// The field itself.
    pub field: Field,
    /// Canonical name, in filters, JSON, CSV and help.
    pub name: &'static str,
    /// Heading in tables.
    pub title: &'static str,
    /// Other names that the filter language accepts.
    pub aliases: &'static [&'static str],
    /// The role of the field.
    pub kind: Kind,
    /// The type of its values.
    pub value: ValueType,
    /// A sentence for help.
    pub about: &'static str,
}

/// A field of a record. The first [`Field::LOGGED`] are the fields of a line, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // FIELDS describes each of them.
pub enum Field {
    BucketOwner,
    Bucket,
    Time,
    RemoteIp,
    Requester,
    RequestId,
    Operation,
    Key,
    RequestUri,
    HttpStatus,
    ErrorCode,
    BytesSent,
    ObjectSize,
    TotalTime,
    TurnAroundTime,
    Referer,
    UserAgent,
    VersionId,
    HostId,
    SignatureVersion,
    CipherSuite,
    AuthenticationType,
    HostHeader,
    TlsVersion,
    AccessPointArn,
    AclRequired,
    SourceRegion,
    KeyLogged,
    Extra,
}

impl Field {
    /// Number of known fields of a line. They are the first in [`FIELDS`].
    pub const LOGGED: usize = 27;
    /// Number of all fields.
    pub const COUNT: usize = 29;

    /// The description of the field.
    pub fn spec(self) -> &'static FieldSpec {
        &FIELDS[self as usize]
    }

    /// Canonical name.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Heading in tables.
    pub fn title(self) -> &'static str {
        self.spec().title
    }

    /// The role of the field.
    pub fn kind(self) -> Kind {
        self.spec().kind
    }

    /// All fields, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Field> + Clone {
        FIELDS.iter().map(|spec| spec.field)
    }

    /// The fields of a kind, in order.
    pub fn of_kind(kind: Kind) -> impl Iterator<Item = Field> + Clone {
        Field::all().filter(move |field| field.kind() == kind)
    }

    /// The field with this canonical name or alias, in any case.
    pub fn by_name(name: &str) -> Option<Field> {
        FIELDS
            .iter()
            .find(|spec| {
                spec.name.eq_ignore_ascii_case(name)
                    || spec.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
            })
            .map(|spec| spec.field)
    }
}

/// Every field, indexed by `Field as usize`.
pub static FIELDS: [FieldSpec; Field::COUNT] = [
    FieldSpec {
        field: Field::BucketOwner,
        name: "bucket_owner",
        title: "Bucket owner",
        aliases: &["owner"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Canonical user id of the owner of the logged bucket.",
    },
    FieldSpec {
        field: Field::Bucket,
        name: "bucket",
        title: "Bucket",
        aliases: &[],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "The bucket that the request was made against.",
    },
    FieldSpec {
        field: Field::Time,
        name: "time",
        title: "Time",
        aliases: &[],
        kind: Kind::Time,
        value: ValueType::Instant,
        about: "When the request was received, in whole seconds.",
    },
    FieldSpec {
        field: Field::RemoteIp,
        name: "remote_ip",
        title: "Remote IP",
        aliases: &["ip"],
        kind: Kind::Dimension,
        value: ValueType::Ip,
        about: "Apparent address of the requester; absent for lifecycle and service requests.",
    },
    FieldSpec {
        field: Field::Requester,
        name: "requester",
        title: "Requester",
        aliases: &["user"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Canonical user id, ARN or service name; absent for anonymous requests.",
    },
    FieldSpec {
        field: Field::RequestId,
        name: "request_id",
        title: "Request ID",
        aliases: &["rid"],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "S3's id of the request; copies and multi-deletes share one among several records.",
    },
    FieldSpec {
        field: Field::Operation,
        name: "operation",
        title: "Operation",
        aliases: &["op"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "What was done, for instance REST.GET.OBJECT.",
    },
    FieldSpec {
        field: Field::Key,
        name: "key",
        title: "Key",
        aliases: &["object"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Key of the object the request was about, decoded.",
    },
    FieldSpec {
        field: Field::RequestUri,
        name: "request_uri",
        title: "Request URI",
        aliases: &["uri"],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "Request line as received: method, path with query, HTTP version.",
    },
    FieldSpec {
        field: Field::HttpStatus,
        name: "http_status",
        title: "Status",
        aliases: &["status"],
        kind: Kind::Dimension,
        value: ValueType::Integer,
        about: "HTTP status of the response.",
    },
    FieldSpec {
        field: Field::ErrorCode,
        name: "error_code",
        title: "Error code",
        aliases: &["error", "err"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "S3 error code, for instance AccessDenied.",
    },
    FieldSpec {
        field: Field::BytesSent,
        name: "bytes_sent",
        title: "Bytes sent",
        aliases: &["bytes"],
        kind: Kind::Measure,
        value: ValueType::Integer,
        about: "Bytes of the response body that were sent, without protocol overhead: the egress.",
    },
    FieldSpec {
        field: Field::ObjectSize,
        name: "object_size",
        title: "Object size",
        aliases: &["size"],
        kind: Kind::Measure,
        value: ValueType::Integer,
        about: "Total size of the object in bytes; a response may have sent fewer bytes.",
    },
    FieldSpec {
        field: Field::TotalTime,
        name: "total_time",
        title: "Total time",
        aliases: &["duration"],
        kind: Kind::Measure,
        value: ValueType::Integer,
        about: "Milliseconds from receipt of the request to the last byte of the response.",
    },
    FieldSpec {
        field: Field::TurnAroundTime,
        name: "turn_around_time",
        title: "Turn-around time",
        aliases: &["tat"],
        kind: Kind::Measure,
        value: ValueType::Integer,
        about: "Milliseconds that S3 spent before the first byte of the response.",
    },
    FieldSpec {
        field: Field::Referer,
        name: "referer",
        title: "Referer",
        aliases: &["ref"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Value of the HTTP Referer header.",
    },
    FieldSpec {
        field: Field::UserAgent,
        name: "user_agent",
        title: "User agent",
        aliases: &["ua", "agent"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Value of the HTTP User-Agent header.",
    },
    FieldSpec {
        field: Field::VersionId,
        name: "version_id",
        title: "Version ID",
        aliases: &["version"],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "Version of the object that was asked for.",
    },
    FieldSpec {
        field: Field::HostId,
        name: "host_id",
        title: "Host ID",
        aliases: &["id2"],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "The x-amz-id-2 of the response, for support cases.",
    },
    FieldSpec {
        field: Field::SignatureVersion,
        name: "signature_version",
        title: "Signature",
        aliases: &["sig"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "SigV2 or SigV4; absent for unsigned requests.",
    },
    FieldSpec {
        field: Field::CipherSuite,
        name: "cipher_suite",
        title: "Cipher suite",
        aliases: &["cipher"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "TLS cipher negotiated; absent for plain HTTP.",
    },
    FieldSpec {
        field: Field::AuthenticationType,
        name: "authentication_type",
        title: "Authentication",
        aliases: &["auth"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "AuthHeader, QueryString (presigned) or absent (anonymous).",
    },
    FieldSpec {
        field: Field::HostHeader,
        name: "host_header",
        title: "Host header",
        aliases: &["host"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Endpoint that was connected to.",
    },
    FieldSpec {
        field: Field::TlsVersion,
        name: "tls_version",
        title: "TLS version",
        aliases: &["tls"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "TLS version negotiated; the spelling varies in case.",
    },
    FieldSpec {
        field: Field::AccessPointArn,
        name: "access_point_arn",
        title: "Access point",
        aliases: &["ap"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "ARN of the access point used.",
    },
    FieldSpec {
        field: Field::AclRequired,
        name: "acl_required",
        title: "ACL required",
        aliases: &["acl"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "Yes if the request needed an ACL to be allowed.",
    },
    FieldSpec {
        field: Field::SourceRegion,
        name: "source_region",
        title: "Source region",
        aliases: &["region"],
        kind: Kind::Dimension,
        value: ValueType::Text,
        about: "AWS region the request came from; absent for addresses outside AWS.",
    },
    FieldSpec {
        field: Field::KeyLogged,
        name: "key_logged",
        title: "Key as logged",
        aliases: &[],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "The key as spelled in the log line, if it differs from the decoded key.",
    },
    FieldSpec {
        field: Field::Extra,
        name: "extra",
        title: "Extra fields",
        aliases: &[],
        kind: Kind::Detail,
        value: ValueType::Text,
        about: "Text after the last known field, and text that could not be read as a field.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_at_their_own_index() {
        for (index, spec) in FIELDS.iter().enumerate() {
            assert_eq!(spec.field as usize, index, "{}", spec.name);
        }
    }

    #[test]
    fn no_two_fields_share_a_name_or_alias() {
        let mut seen = std::collections::HashSet::new();
        for spec in &FIELDS {
            for name in std::iter::once(&spec.name).chain(spec.aliases) {
                assert!(seen.insert(*name), "{name} twice");
            }
        }
    }

    #[test]
    fn fields_are_found_by_name_in_any_case_and_by_alias() {
        assert_eq!(Field::by_name("Remote_IP"), Some(Field::RemoteIp));
        assert_eq!(Field::by_name("ip"), Some(Field::RemoteIp));
        assert_eq!(Field::by_name("nonsense"), None);
    }
}
