//! The list of fields of a log record: the only one in the project. The parser, the cache, the filter language,
//! tables, exports and help read it. Names (in lower case with underscores) and order follow the Amazon S3 User Guide,
//! "Amazon S3 server access log format".

/// How a field is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The time of the request.
    Time,
    /// A field to group and filter by; stored through a dictionary.
    Dimension,
    /// A number that belongs to a single request. [`measure`](crate::query::measure) lists what is computed per group.
    Measure,
    /// A field that is read only for single requests, or when a filter names it.
    Detail,
}

/// Type of the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Any bytes, usually UTF-8.
    Text,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An unsigned integer.
    Integer,
    /// Seconds since 1970-01-01T00:00:00Z.
    Instant,
}

/// Properties of a field.
#[derive(Debug)]
pub struct FieldSpec {
    /// The field itself.
    pub field: Field,
    /// Canonical name, in filters, JSON, CSV and help.
    pub name: &'static str,
    /// Heading in tables.
    pub title: &'static str,
    /// Shorter names that the filter language accepts.
    pub aliases: &'static [&'static str],
    /// How the field is used.
    pub kind: Kind,
    /// Type of its values.
    pub value: ValueType,
    /// One sentence for help.
    pub about: &'static str,
}

macro_rules! fields {
    ($($field:ident: $name:literal, $title:literal, $aliases:expr, $kind:ident, $value:ident, $about:literal;)*) => {
        /// A field of a log record. The first [`Field::LOGGED`] are those of the log line, in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $(#[doc = $about] $field,)*
        }

        impl Field {
            /// Number of fields.
            pub const COUNT: usize = [$($name),*].len();
        }

        /// Every field, indexed by `Field as usize`.
        pub static FIELDS: [FieldSpec; Field::COUNT] = [$(FieldSpec {
            field: Field::$field,
            name: $name,
            title: $title,
            aliases: &$aliases,
            kind: Kind::$kind,
            value: ValueType::$value,
            about: $about,
        }),*];
    };
}

fields! {
    BucketOwner: "bucket_owner", "Bucket owner", ["owner"], Dimension, Text,
        "Canonical user id of the owner of the logged bucket.";
    Bucket: "bucket", "Bucket", [], Dimension, Text,
        "Bucket that the request was made against.";
    Time: "time", "Time", [], Time, Instant,
        "Time when S3 received the request, in whole seconds.";
    RemoteIp: "remote_ip", "Remote IP", ["ip"], Dimension, Ip,
        "Apparent address of the requester; absent for lifecycle and service requests.";
    Requester: "requester", "Requester", ["user"], Dimension, Text,
        "Canonical user id, ARN or service name; absent for anonymous requests.";
    RequestId: "request_id", "Request ID", ["rid"], Detail, Text,
        "Request id that S3 assigned; the records of a copy or multi-delete share one.";
    Operation: "operation", "Operation", ["op"], Dimension, Text,
        "Operation, for example REST.GET.OBJECT.";
    Key: "key", "Key", ["object"], Dimension, Text,
        "Key of the object that the request was about, decoded.";
    RequestUri: "request_uri", "Request URI", ["uri"], Detail, Text,
        "Request line as received: method, path with query, HTTP version.";
    HttpStatus: "http_status", "Status", ["status"], Dimension, Integer,
        "HTTP status of the response.";
    ErrorCode: "error_code", "Error code", ["error", "err"], Dimension, Text,
        "S3 error code, for example AccessDenied.";
    BytesSent: "bytes_sent", "Bytes sent", ["bytes"], Measure, Integer,
        "Bytes of the response body sent, without protocol overhead: the egress.";
    ObjectSize: "object_size", "Object size", ["size"], Measure, Integer,
        "Total size of the object in bytes, not the bytes sent.";
    TotalTime: "total_time", "Total time", ["duration"], Measure, Integer,
        "Milliseconds from receipt of the request to the last byte of the response.";
    TurnAroundTime: "turn_around_time", "Turn-around time", ["tat"], Measure, Integer,
        "Milliseconds that S3 spent before the first byte of the response.";
    Referer: "referer", "Referer", ["ref"], Dimension, Text,
        "Value of the HTTP Referer header.";
    UserAgent: "user_agent", "User agent", ["ua", "agent"], Dimension, Text,
        "Value of the HTTP User-Agent header.";
    VersionId: "version_id", "Version ID", ["version"], Detail, Text,
        "Version of the requested object.";
    HostId: "host_id", "Host ID", ["id2"], Detail, Text,
        "x-amz-id-2 of the response, for support cases.";
    SignatureVersion: "signature_version", "Signature", ["sig"], Dimension, Text,
        "SigV2 or SigV4; absent for unsigned requests.";
    CipherSuite: "cipher_suite", "Cipher suite", ["cipher"], Dimension, Text,
        "Negotiated TLS cipher; absent for plain HTTP.";
    AuthenticationType: "authentication_type", "Authentication", ["auth"], Dimension, Text,
        "AuthHeader, QueryString (presigned) or absent (anonymous).";
    HostHeader: "host_header", "Host header", ["host"], Dimension, Text,
        "Endpoint that the client connected to.";
    TlsVersion: "tls_version", "TLS version", ["tls"], Dimension, Text,
        "Negotiated TLS version; the spelling varies in case.";
    AccessPointArn: "access_point_arn", "Access point", ["ap"], Dimension, Text,
        "ARN of the access point used.";
    AclRequired: "acl_required", "ACL required", ["acl"], Dimension, Text,
        "Yes if the request needed an ACL for authorization.";
    SourceRegion: "source_region", "Source region", ["region"], Dimension, Text,
        "AWS region that the request came from; absent for addresses outside AWS.";
    KeyLogged: "key_logged", "Key as logged", [], Detail, Text,
        "Key as spelled in the log line, where it differs from the decoded key.";
    Extra: "extra", "Extra fields", [], Detail, Text,
        "Text after the last known field, or text that could not be read as a field.";
    Source: "source", "Source", [], Dimension, Text,
        "Source that the log file is in: a bucket with a prefix, a log group, a folder or a file.";
    LogFile: "log_file", "Log file", [], Dimension, Text,
        "Log file that the request was read from: its name within the source.";
    Line: "line", "Line", [], Measure, Integer,
        "Line of the request in its log file, from 1; in a Parquet file, its row.";
}

impl Field {
    /// Number of fields of a log line; they are the first in [`FIELDS`].
    pub const LOGGED: usize = Field::SourceRegion as usize + 1;

    /// Number of fields that the cache stores; they are the first in [`FIELDS`]. It derives the others, which say where a
    /// request was read from, from its catalogue.
    pub const STORED: usize = Field::Extra as usize + 1;

    /// The properties of this field.
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

    /// How the field is used.
    pub fn kind(self) -> Kind {
        self.spec().kind
    }

    /// All fields in order.
    pub fn all() -> impl ExactSizeIterator<Item = Field> + Clone {
        FIELDS.iter().map(|spec| spec.field)
    }

    /// The fields that the cache stores, in order.
    pub fn stored() -> impl ExactSizeIterator<Item = Field> + Clone {
        Field::all().take(Field::STORED)
    }

    /// Whether the cache stores the field.
    pub const fn is_stored(self) -> bool {
        (self as usize) < Field::STORED
    }

    /// The fields of one kind, in order.
    pub fn of_kind(kind: Kind) -> impl Iterator<Item = Field> + Clone {
        Field::all().filter(move |field| field.kind() == kind)
    }

    /// The field with this canonical name or alias, in any case.
    pub fn by_name(name: &str) -> Option<Field> {
        let is_it = |other: &&str| other.eq_ignore_ascii_case(name);
        Field::all().find(|field| is_it(&field.name()) || field.spec().aliases.iter().any(is_it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
