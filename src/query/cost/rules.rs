//! How AWS bills a request, as far as a log tells.
//!
//! Each rule looks at one field. [`Billed::charge`] combines them. Sources, as of November 2026: the S3 pricing page
//! (classes of requests; free transfer), "Billing for Amazon S3 error responses" in the S3 user guide (errors).

use super::Prices;
use super::charges::{Charge, RequestClass, Transfer};
use crate::log::{address, method};

/// Error codes with a status of 3xx or 4xx that are not billed, whoever sends the request: the table of "Billing for
/// Amazon S3 error responses". `AccessDenied` is billed for requesters of the bucket owner only.
const NOT_BILLED: &[&str] = &[
    "AccountProblem",
    "AuthorizationHeaderMalformed",
    "AuthorizationQueryParametersError",
    "BucketAlreadyExists",
    "ConnectionClosedByRequester",
    "DeviceNotActiveError",
    "EndpointNotFound",
    "ExpiredToken",
    "IllegalLocationConstraintException",
    "IncorrectEndpoint",
    "InvalidAccessKeyId",
    "InvalidArgument",
    "InvalidBucketOwnerAWSAccountID",
    "InvalidBucketState",
    "InvalidDigest",
    "InvalidEncryptionAlgorithmError",
    "InvalidHostHeader",
    "InvalidHttpMethod",
    "InvalidPayer",
    "InvalidRange",
    "InvalidRequest",
    "InvalidSOAPRequest",
    "InvalidSecurity",
    "InvalidSessionException",
    "InvalidSignature",
    "InvalidStorageClass",
    "InvalidTag",
    "InvalidToken",
    "InvalidURI",
    "KMS.DisabledException",
    "KMS.InvalidKeyUsageException",
    "KMS.KMSInvalidStateException",
    "KMS.NotFoundException",
    "KeyTooLongError",
    "LambdaInvalidResponse",
    "LambdaInvocationFailed",
    "LambdaNotFound",
    "LambdaPermissionError",
    "MalformedACLError",
    "MalformedPOSTRequest",
    "MalformedXML",
    "MaxPostPreDataLengthExceededError",
    "MetadataTooLarge",
    "MethodNotAllowed",
    "MissingAttachment",
    "MissingAuthenticationToken",
    "MissingContentLength",
    "MissingRequestBodyError",
    "MissingSecurityHeader",
    "NoLoggingStatusForKey",
    "NoSuchAsyncRequest",
    "NoSuchObjectLockConfiguration",
    "NoSuchUpload",
    "NoSuchWebsiteConfiguration",
    "NoTransformationDefined",
    "NotDeviceOwnerError",
    "NotSignedUp",
    "ObjectLockConfigurationNotFoundError",
    "OperationAborted",
    "PermanentRedirect",
    "PermanentRedirectControlError",
    "RequestHeaderSectionTooLarge",
    "RequestIsNotMultiPartContent",
    "RequestTimeTooSkewed",
    "ResponseInterrupted",
    "SignatureDoesNotMatch",
    "TemporaryRedirect",
    "TokenCodeInvalidError",
    "UnauthorizedAccessError",
    "UnexpectedContent",
    "UnexpectedIPError",
    "UnsupportedArgument",
    "UnsupportedSignature",
    "UserKeyMustBeSpecified",
    "ValidationError",
];

/// How an operation is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationRule {
    /// Price class of the request.
    pub class: RequestClass,
    /// Whether nothing is billed, not even the transfer: a part of another request, or an action of S3 itself.
    pub is_part: bool,
    /// Whether the request is to a website endpoint, where errors are billed.
    pub is_website: bool,
}

impl OperationRule {
    /// How an operation is billed. An absent operation is one of the "all other requests".
    pub fn of(operation: Option<&[u8]>) -> OperationRule {
        let operation = operation.unwrap_or(b"");
        let is_website = operation.starts_with(b"WEBSITE.");
        let is_part = !is_client_request(operation);
        let class = if is_part { RequestClass::Free } else { class(operation) };
        OperationRule { class, is_part, is_website }
    }
}

/// Whether an operation is a request that a client made: S3 also logs a second record for the object that a copy
/// reads, one per key of a multi-object delete, and the actions of lifecycle rules.
pub(crate) fn is_client_request(operation: &[u8]) -> bool {
    let is_part = operation == b"BATCH.DELETE.OBJECT"
        || (operation.ends_with(b"_GET") && memchr::memmem::find(operation, b".COPY.").is_some());
    !is_part && !operation.starts_with(b"S3.")
}

/// The price class of a request that a client made.
fn class(operation: &[u8]) -> RequestClass {
    /// Resources whose GET is a LIST: objects, versions, uploads, parts, buckets.
    const LISTS: [&[u8]; 5] = [b"BUCKET", b"BUCKETVERSIONS", b"UPLOADS", b"UPLOAD", b"SERVICE"];
    let resource = operation.splitn(3, |byte| *byte == b'.').nth(2).unwrap_or(b"");
    let is_list_action = [&b"s3_List"[..], b"s3:List"].iter().any(|prefix| operation.starts_with(prefix));
    let deletes_objects = resource == b"MULTI_OBJECT_DELETE" || operation.ends_with(b"DeleteObjects");
    match method::of_operation(operation) {
        _ if deletes_objects => RequestClass::Free,
        Some(b"DELETE") => RequestClass::Free,
        // SELECT is a POST, and billed as a GET.
        Some(b"POST") if resource.starts_with(b"SELECT") => RequestClass::Tier2,
        Some(b"PUT" | b"POST" | b"COPY") => RequestClass::Tier1,
        Some(b"GET") if LISTS.contains(&resource) || is_list_action => RequestClass::Tier1,
        _ => RequestClass::Tier2,
    }
}

/// Whether a status is a server error, which is never billed.
pub fn is_server_error(status: Option<&[u8]>) -> bool {
    matches!(status, Some([b'5', b'0'..=b'9', b'0'..=b'9']))
}

/// How an error code is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorRule {
    /// Like a success.
    Billed,
    /// Not at all.
    NotBilled,
    /// Only if the requester belongs to the bucket owner.
    AccessDenied,
}

impl ErrorRule {
    /// How an error code is billed.
    pub fn of(error: Option<&[u8]>) -> ErrorRule {
        match error {
            Some(b"AccessDenied") => ErrorRule::AccessDenied,
            Some(code) if NOT_BILLED.iter().any(|known| known.as_bytes() == code) => ErrorRule::NotBilled,
            _ => ErrorRule::Billed,
        }
    }
}

/// Who a requester is, for the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequesterRule {
    /// A user or role of the bucket owner's account or organisation.
    OfOwner,
    /// Anonymous, or of another account.
    Outsider,
    /// A canonical id: of the bucket owner if it is equal to the bucket owner.
    CanonicalId,
    /// CloudFront, on behalf of the bucket owner.
    CloudFront,
    /// Another service of AWS.
    Service,
}

impl RequesterRule {
    /// Who a requester is. `accounts`: see [`Prices::accounts`].
    pub fn of(requester: Option<&[u8]>, accounts: &[String]) -> RequesterRule {
        let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
        match requester {
            None => RequesterRule::Outsider,
            Some(b"AmazonS3") => RequesterRule::Service,
            Some(id) if id.len() == 64 && is_hex(id) => RequesterRule::CanonicalId,
            // The canonical id of an origin access identity is longer than that of an account.
            Some(id) if id.len() == 96 && is_hex(id) => RequesterRule::CloudFront,
            Some(name) if name.starts_with(b"svc:cloudfront.") => RequesterRule::CloudFront,
            Some(name) if name.starts_with(b"svc:") => RequesterRule::Service,
            Some(name) => match account_of(name) {
                Some(b"cloudfront") => RequesterRule::CloudFront,
                Some(account)
                    if accounts.is_empty() || accounts.iter().any(|own| own.as_bytes() == account) =>
                {
                    RequesterRule::OfOwner
                }
                _ => RequesterRule::Outsider,
            },
        }
    }
}

/// The account in an ARN: `123456789012` in `arn:aws:iam::123456789012:user/ann`.
fn account_of(arn: &[u8]) -> Option<&[u8]> {
    let mut parts = arn.splitn(6, |byte| *byte == b':');
    (parts.next() == Some(b"arn")).then(|| parts.nth(3)).flatten()
}

/// Where the bytes go, by the source region; without one, to the internet.
pub fn transfer(source_region: Option<&[u8]>, prices: &Prices) -> Transfer {
    match source_region {
        None => Transfer::Internet,
        Some(region) if region == prices.region.as_bytes() => Transfer::Free,
        Some(region) if prices.nearby_regions.iter().any(|nearby| nearby.as_bytes() == region) => {
            Transfer::NearbyRegion
        }
        Some(_) => Transfer::OtherRegion,
    }
}

/// Whether an address is private: the request came from a VPC of the region, through a gateway endpoint.
pub fn is_private(remote_ip: &[u8]) -> bool {
    // Few addresses begin like this, so few are parsed.
    let is_possible =
        [&b"10."[..], b"172.", b"192.168.", b"fc", b"fd"].iter().any(|prefix| remote_ip.starts_with(prefix));
    is_possible
        && address::parse(remote_ip).is_some_and(|address| match address {
            std::net::IpAddr::V4(v4) => v4.is_private(),
            std::net::IpAddr::V6(v6) => v6.is_unique_local(),
        })
}

/// What the rules say about the fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// By the operation.
    pub operation: OperationRule,
    /// By the status: [`is_server_error`].
    pub is_server_error: bool,
    /// By the error code.
    pub error: ErrorRule,
    /// By the requester.
    pub requester: RequesterRule,
    /// Whether the requester is equal to the bucket owner.
    pub is_owner: bool,
    /// By the source region: [`transfer()`].
    pub transfer: Transfer,
    /// By the address: [`is_private`].
    pub is_private: bool,
}

impl Billed {
    /// What the request is charged.
    pub fn charge(self) -> Charge {
        let OperationRule { class, is_part, is_website } = self.operation;
        let is_of_owner = match self.requester {
            RequesterRule::OfOwner | RequesterRule::CloudFront | RequesterRule::Service => true,
            RequesterRule::CanonicalId => self.is_owner,
            RequesterRule::Outsider => false,
        };
        let is_billed = match self.error {
            _ if is_part || self.is_server_error => false,
            ErrorRule::Billed => true,
            ErrorRule::NotBilled => is_website,
            ErrorRule::AccessDenied => is_website || is_of_owner,
        };
        if !is_billed {
            return Charge::default();
        }
        let is_within_aws = matches!(self.requester, RequesterRule::CloudFront | RequesterRule::Service);
        let transfer = if is_within_aws || self.is_private { Transfer::Free } else { self.transfer };
        Charge { request: class, transfer }
    }

    /// Whether the charge depends on [`Billed::is_owner`].
    pub fn depends_on_owner(self) -> bool {
        Billed { is_owner: true, ..self }.charge() != Billed { is_owner: false, ..self }.charge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";
    const ANN: &str = "arn:aws:iam::123456789012:user/ann@example.com";

    fn billed(operation: &str, status: &str, error: &str, requester: &str) -> Billed {
        let field = |text: &str| (text != "-").then(|| text.as_bytes().to_vec());
        Billed {
            operation: OperationRule::of(field(operation).as_deref()),
            is_server_error: is_server_error(field(status).as_deref()),
            error: ErrorRule::of(field(error).as_deref()),
            requester: RequesterRule::of(field(requester).as_deref(), &[]),
            is_owner: requester == OWNER,
            transfer: Transfer::Internet,
            is_private: false,
        }
    }

    fn charge(operation: &str, status: &str, error: &str, requester: &str) -> (RequestClass, Transfer) {
        let Charge { request, transfer } = billed(operation, status, error, requester).charge();
        (request, transfer)
    }

    #[test]
    fn put_copy_post_and_list_are_tier_1_delete_is_free_and_all_others_are_tier_2() {
        let class = |operation: &str| charge(operation, "200", "-", ANN).0;
        for operation in [
            "REST.PUT.OBJECT",
            "REST.PUT.PART",
            "REST.PUT.ACL",
            "REST.POST.UPLOAD",
            "REST.POST.UPLOADS",
            "REST.POST.OBJECT",
            "REST.COPY.OBJECT",
            "REST.COPY.PART",
            "REST.GET.BUCKET",
            "REST.GET.BUCKETVERSIONS",
            "REST.GET.UPLOADS",
            "s3:ListBucket",
            "s3_PutObject",
        ] {
            assert_eq!(class(operation), RequestClass::Tier1, "{operation}");
        }
        for operation in [
            "REST.GET.OBJECT",
            "REST.HEAD.OBJECT",
            "REST.HEAD.BUCKET",
            "REST.GET.ACL",
            "REST.GET.BUCKETPOLICY",
            "REST.OPTIONS.PREFLIGHT",
            "REST.POST.SELECT_OBJECT_CONTENT",
            "WEBSITE.GET.OBJECT",
            "NEW.OPERATION",
            "-",
        ] {
            assert_eq!(class(operation), RequestClass::Tier2, "{operation}");
        }
        for operation in ["REST.DELETE.OBJECT", "REST.DELETE.UPLOAD", "REST.POST.MULTI_OBJECT_DELETE"] {
            assert_eq!(class(operation), RequestClass::Free, "{operation}");
        }
    }

    #[test]
    fn parts_of_other_requests_and_actions_of_s3_cost_nothing() {
        for operation in [
            "REST.COPY.OBJECT_GET",
            "REST.COPY.PART_GET",
            "BATCH.DELETE.OBJECT",
            "S3.EXPIRE.OBJECT",
            "S3.TRANSITION_GIR.OBJECT",
        ] {
            assert_eq!(
                charge(operation, "200", "-", "AmazonS3"),
                (RequestClass::Free, Transfer::Free),
                "{operation}"
            );
        }
    }

    #[test]
    fn server_errors_are_not_billed_and_client_errors_are_unless_they_are_listed() {
        let free = (RequestClass::Free, Transfer::Free);
        let get = (RequestClass::Tier2, Transfer::Internet);
        assert_eq!(charge("REST.GET.OBJECT", "503", "SlowDown", ANN), free);
        assert_eq!(charge("REST.GET.OBJECT", "500", "-", ANN), free);
        assert_eq!(charge("REST.GET.OBJECT", "404", "NoSuchKey", "-"), get);
        assert_eq!(charge("REST.GET.OBJECT", "304", "-", "-"), get);
        assert_eq!(charge("REST.GET.OBJECT", "403", "SignatureDoesNotMatch", "-"), free);
        assert_eq!(charge("REST.GET.OBJECT", "416", "InvalidRange", ANN), free);
        assert_eq!(charge("REST.GET.OBJECT", "301", "PermanentRedirect", ANN), free);
        assert_eq!(charge("WEBSITE.GET.OBJECT", "405", "MethodNotAllowed", "-"), get);
        assert!(NOT_BILLED.is_sorted());
    }

    #[test]
    fn a_denied_request_is_billed_for_requesters_of_the_owner_only() {
        let is_billed = |requester: &str| {
            charge("REST.GET.OBJECT", "403", "AccessDenied", requester).0 == RequestClass::Tier2
        };
        assert!(is_billed(ANN) && is_billed(OWNER) && is_billed("svc:delivery.logs.amazonaws.com"));
        assert!(!is_billed("-") && !is_billed(&OWNER.replace("c0ffee", "decade")));
        let other = RequesterRule::of(Some(ANN.as_bytes()), &["999999999999".to_owned()]);
        assert_eq!(other, RequesterRule::Outsider);
        let own = RequesterRule::of(Some(ANN.as_bytes()), &["123456789012".to_owned()]);
        assert_eq!(own, RequesterRule::OfOwner);
    }

    #[test]
    fn transfer_to_cloudfront_to_services_and_within_the_region_is_free() {
        for requester in [
            "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE",
            "svc:cloudfront.amazonaws.com",
            "svc:delivery.logs.amazonaws.com",
            &"0123456789abcdef".repeat(6),
        ] {
            let get = charge("REST.GET.OBJECT", "200", "-", requester);
            assert_eq!(get, (RequestClass::Tier2, Transfer::Free), "{requester}");
        }
        let prices = Prices::default();
        assert_eq!(transfer(None, &prices), Transfer::Internet);
        assert_eq!(transfer(Some(b"us-east-1"), &prices), Transfer::Free);
        assert_eq!(transfer(Some(b"us-east-2"), &prices), Transfer::NearbyRegion);
        assert_eq!(transfer(Some(b"eu-west-1"), &prices), Transfer::OtherRegion);
        for (address, expected) in [
            ("10.1.2.3", true),
            ("172.31.0.1", true),
            ("172.200.0.1", false),
            ("fd00::1", true),
            ("203.0.113.7", false),
        ] {
            assert_eq!(is_private(address.as_bytes()), expected, "{address}");
        }
    }
}
