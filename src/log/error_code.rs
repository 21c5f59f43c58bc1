//! The error codes that S3 logs, with what each of them means. S3 adds codes without notice: other codes are valid, too.
//! Source: the list of error codes in the Amazon S3 API Reference.

/// The known error codes in alphabetical order, each with one sentence about what happened.
pub const ERROR_CODES: [(&str, &str); 72] = [
    ("AccessControlListNotSupported", "The bucket does not allow ACLs."),
    ("AccessDenied", "No policy or ACL allows this request, or one denies it."),
    ("AccessPointAlreadyOwnedByYou", "An access point with this name exists already."),
    ("AccountProblem", "There is a problem with the AWS account."),
    ("AllAccessDisabled", "AWS has disabled all access to this bucket or object."),
    (
        "AuthorizationHeaderMalformed",
        "The Authorization header is not valid, for example because of a wrong region.",
    ),
    ("AuthorizationQueryParametersError", "The signature in the query of the URL is not valid."),
    ("BadDigest", "The checksum of the request does not fit its body."),
    ("BucketAlreadyExists", "Another account has a bucket with this name."),
    ("BucketAlreadyOwnedByYou", "The bucket exists already and belongs to the requester."),
    ("BucketNotEmpty", "The bucket still contains objects or versions."),
    ("ClientTokenConflict", "A client token was used for another request before."),
    ("ConditionalRequestConflict", "Another request changed the object at the same time."),
    ("ConnectionClosedByRequester", "The client closed the connection."),
    ("CredentialsNotSupported", "This request does not support credentials."),
    ("CrossLocationLoggingProhibited", "The log bucket is in another region."),
    ("EntityTooLarge", "The upload is larger than allowed."),
    ("EntityTooSmall", "The upload, or a part of it, is smaller than allowed."),
    ("ExpiredToken", "The session token has expired."),
    ("IllegalLocationConstraintException", "The bucket is in another region than the endpoint."),
    ("IncompleteBody", "The client sent fewer bytes than it announced."),
    ("InternalError", "S3 failed; the client should try again."),
    ("InvalidAccessKeyId", "There is no access key with this id."),
    ("InvalidAddressingHeader", "The request needs an anonymous role."),
    ("InvalidArgument", "An argument of the request is not valid."),
    ("InvalidBucketName", "The name of the bucket is not valid."),
    ("InvalidBucketState", "The request does not fit the present state of the bucket."),
    ("InvalidDigest", "The Content-MD5 or checksum header is not valid."),
    ("InvalidEncryptionAlgorithmError", "The encryption of the request is not valid."),
    ("InvalidLocationConstraint", "The region of the request is not valid."),
    ("InvalidObjectState", "The object is archived and must be restored first."),
    ("InvalidPart", "A part of the multipart upload is missing or differs."),
    ("InvalidPartOrder", "The parts of the multipart upload are not in order."),
    ("InvalidPolicyDocument", "The policy in the form is not valid."),
    ("InvalidRange", "The requested range of bytes is not within the object."),
    ("InvalidRequest", "The request is not valid; the response to it said why."),
    ("InvalidSecurity", "The credentials are not valid."),
    ("InvalidStorageClass", "The storage class is not valid."),
    ("InvalidTag", "A tag is not valid."),
    ("InvalidToken", "The session token is malformed or not valid."),
    ("InvalidURI", "S3 could not read the URI."),
    ("KeyTooLongError", "The key is longer than 1,024 bytes."),
    ("MalformedACLError", "The ACL is not well-formed."),
    ("MalformedPOSTRequest", "The body of the form is not well-formed."),
    ("MalformedPolicy", "The bucket policy is not valid."),
    ("MalformedXML", "The XML of the request is not well-formed or not valid."),
    ("MaxMessageLengthExceeded", "The request was too large."),
    ("MetadataTooLarge", "The metadata headers are larger than allowed."),
    ("MethodNotAllowed", "This method is not allowed for this resource."),
    ("MissingContentLength", "The Content-Length header is missing."),
    ("MissingSecurityHeader", "A required header is missing."),
    ("NoSuchBucket", "There is no bucket with this name."),
    ("NoSuchBucketPolicy", "The bucket has no policy."),
    ("NoSuchCORSConfiguration", "The bucket has no CORS configuration."),
    ("NoSuchKey", "There is no object with this key."),
    ("NoSuchLifecycleConfiguration", "The bucket has no lifecycle configuration."),
    ("NoSuchTagSet", "The bucket has no tags."),
    ("NoSuchUpload", "There is no such multipart upload; it was completed or aborted."),
    ("NoSuchVersion", "There is no such version of the object."),
    ("NoSuchWebsiteConfiguration", "The bucket is not configured as a website."),
    ("NotImplemented", "A header of the request asks for something that S3 does not have."),
    ("OperationAborted", "Another operation on the same resource was in progress."),
    ("PermanentRedirect", "The bucket must be addressed at another endpoint."),
    ("PreconditionFailed", "A condition of the request, such as If-Match, did not hold."),
    ("RequestTimeTooSkewed", "The clock of the client differs too much from that of S3."),
    ("RequestTimeout", "The client did not send or read data in time."),
    ("ServiceUnavailable", "S3 asked the client to send fewer requests."),
    ("SignatureDoesNotMatch", "The signature is wrong: another secret key, or a changed request."),
    ("SlowDown", "S3 asked the client to send fewer requests."),
    ("TemporaryRedirect", "The bucket must be addressed at another endpoint for now."),
    ("TooManyBuckets", "The account has as many buckets as it may have."),
    ("UnauthorizedAccess", "The account or the key may not be used here."),
];

/// The known error code with this spelling in any case, and what it means.
pub fn known(code: &str) -> Option<(&'static str, &'static str)> {
    ERROR_CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_in_order_with_a_sentence() {
        for (before, after) in ERROR_CODES.iter().zip(&ERROR_CODES[1..]) {
            assert!(before.0 < after.0, "{} before {}", before.0, after.0);
        }
        assert!(ERROR_CODES.iter().all(|(_, about)| about.ends_with('.')));
        assert_eq!(known("accessdenied").map(|(code, _)| code), Some("AccessDenied"));
        assert_eq!(known("AccesDenied"), None);
    }
}
