//! Explains S3 errors: one line that says what is wrong and what to do.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::endpoint::without_secrets;
use super::response_limit::ResponseTooLarge;

/// Error codes for expired credentials.
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
/// Error codes for unknown credentials.
#[rustfmt::skip]
const UNKNOWN: [&str; 5] =
    ["InvalidAccessKeyId", "NotSignedUp", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException"];
/// Error codes for a request to another region than that of the bucket.
#[rustfmt::skip]
const OTHER_REGION: [&str; 4] = [
    "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
];

#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Request<'a> {
    /// The service: `S3`, `CloudWatch Logs`.
    pub(in crate::source) service: &'static str,
    /// The permission that it requires, `s3:…`.
    pub(in crate::source) action: &'static str,
    pub(in crate::source) bucket: &'a str,
    /// The key, if the request is for an object.
    pub(in crate::source) key: Option<&'a str>,
    /// The URL of the server, without credentials.
    pub(in crate::source) endpoint: &'a str,
    /// The region that it was sent to.
    pub(in crate::source) region: &'a str,
    /// The profile that the user named.
    pub(in crate::source) profile: Option<&'a str>,
    /// Whether the request was not signed.
    pub(in crate::source) is_anonymous: bool,
}

/// Whether the request may succeed if it is sent again with longer time limits.
pub(in crate::source) fn is_temporary<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            status(error).is_some_and(|status| status == 429 || status >= 500)
                || matches!(code(error), Some("SlowDown" | "RequestTimeout" | "ServiceUnavailable"))
        }
        _ => false,
    }
}

/// Whether S3 answered at all.
pub(in crate::source) fn is_answer<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some()
}

pub(in crate::source) fn is_expired<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    code(error).is_some_and(|code| EXPIRED.contains(&code))
}

/// Whether the credentials are the cause, so that other requests with them fail too.
pub(in crate::source) fn is_about_credentials<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => false,
        SdkError::DispatchFailure(failure) if failure.is_timeout() || failure.is_io() => false,
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            is_expired(error) || code(error).is_some_and(|code| UNKNOWN.contains(&code))
        }
        // The SDK's error for failed credential providers contains this word.
        _ => chain(error).to_ascii_lowercase().contains("credentials"),
    }
}

/// Whether the server does not support the request.
pub(in crate::source) fn is_not_implemented<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> bool {
    status(error) == Some(501) || matches!(code(error), Some("NotImplemented" | "MethodNotAllowed"))
}

/// The region of the bucket, if S3 returned an error because it is another one.
pub(in crate::source) fn region_in<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> Option<String> {
    let response = error.raw_response()?;
    let is_other_region = code(error).is_some_and(|code| OTHER_REGION.contains(&code));
    if !is_other_region && !matches!(response.status().as_u16(), 301 | 307) {
        return None;
    }
    if let Some(region) = response.headers().get("x-amz-bucket-region") {
        return plausible_region(region);
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<Region>")?;
    plausible_region(rest.split_once("</Region>")?.0)
}

fn plausible_region(text: &str) -> Option<String> {
    let is_plausible = (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_plausible.then(|| text.to_owned())
}

/// Explains an error: one line that says what is wrong and what to do.
pub(in crate::source) fn explain<E>(error: &SdkError<E, HttpResponse>, request: &Request<'_>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Request { endpoint, service, .. } = request;
    if let Some(too_large) = ResponseTooLarge::find_in(error) {
        return format!("{endpoint} does not respond like {service}: {too_large}; check --endpoint-url");
    }
    let no_answer =
        || format!("no answer from {endpoint} in time; check the network, the proxy and --endpoint-url");
    match error {
        SdkError::TimeoutError(_) => no_answer(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => no_answer(),
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            let reason = failure.as_connector_error().map(root).unwrap_or_default();
            format!("cannot reach {endpoint} ({reason}); check the network, the proxy and --endpoint-url")
        }
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => refused(error, request),
        _ => unsent(&chain(error), request),
    }
}

/// Explains an error response.
fn refused<E>(error: &SdkError<E, HttpResponse>, request: &Request<'_>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Request { service, bucket, endpoint, region, .. } = request;
    let message = match error {
        SdkError::ServiceError(service) => service.err().message().map(one_line),
        _ => None,
    };
    let detail = message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
    let log_in_again = match request.profile {
        Some(profile) => format!("log in again (aws sso login --profile {profile})"),
        None => "log in again (aws sso login), or set new ones".to_owned(),
    };
    match (code(error), status(error)) {
        (Some("NoSuchBucket"), _) => format!("there is no bucket `{bucket}` at {endpoint}; check the name"),
        (Some("NoSuchKey"), _) => "deleted since it was listed; pull again".to_owned(),
        (Some("InvalidBucketName"), _) => format!("`{bucket}` is not a valid bucket name; check it"),
        (Some(code), _) if EXPIRED.contains(&code) => format!("the credentials have expired; {log_in_again}"),
        (Some("InvalidToken"), _) => {
            format!("the session token is not valid; {log_in_again}, and check AWS_SESSION_TOKEN")
        }
        (Some(code), _) if UNKNOWN.contains(&code) => format!(
            "{endpoint} does not know the access key; check AWS_ACCESS_KEY_ID, AWS_PROFILE or --profile"
        ),
        (Some("SignatureDoesNotMatch" | "InvalidSignatureException"), _) => {
            "the secret key does not belong to the access key; check \
             AWS_SECRET_ACCESS_KEY, AWS_PROFILE or --profile"
                .to_owned()
        }
        (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => {
            format!(
                "the clock of this machine differs from that of {service} by more than {service} allows; correct it"
            )
        }
        (Some("InvalidObjectState"), _) => {
            "archived (Glacier); restore the object first, or leave its days out with --since".to_owned()
        }
        (code, status)
            if matches!(status, Some(301 | 307)) || code.is_some_and(|code| OTHER_REGION.contains(&code)) =>
        {
            format!("the bucket is not in region {region}{detail}; set its region with --region")
        }
        (Some("SlowDown" | "TooManyRequests" | "Throttling" | "RequestLimitExceeded"), _)
        | (_, Some(429 | 503)) => format!("{endpoint} keeps asking to slow down; try again later"),
        (_, Some(status)) if status >= 500 => {
            format!("{endpoint} has an internal error (HTTP {status}){detail}; try again later")
        }
        (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem"), _) | (_, Some(401 | 403)) => {
            denied(request, &detail)
        }
        (Some(code), Some(status)) if message.is_some() => {
            format!("{endpoint} returned an error: {}{detail}, HTTP {status}", one_line(code))
        }
        (_, Some(404)) if request.key.is_some() => "deleted since it was listed; pull again".to_owned(),
        (_, Some(status)) => {
            format!("{endpoint} does not respond like {service} (HTTP {status}); check --endpoint-url")
        }
        (_, None) => format!("{endpoint} does not respond like {service}; check --endpoint-url"),
    }
}

fn denied(request: &Request<'_>, detail: &str) -> String {
    let Request { bucket, action, .. } = request;
    if request.is_anonymous {
        return format!(
            "access denied: `{bucket}` does not allow {action} to anonymous users; omit --no-sign-request"
        );
    }
    let resource = match request.key {
        Some(_) => format!("arn:aws:s3:::{bucket}/*"),
        None => format!("arn:aws:s3:::{bucket}"),
    };
    format!("access denied{detail}; {action} is required on {resource} (for another identity: --profile)")
}

/// Explains why a request could not be sent. The cause is nearly always the credentials.
fn unsent(reasons: &str, request: &Request<'_>) -> String {
    let (lower, reason) = (reasons.to_ascii_lowercase(), last_reason(reasons));
    let profile = request.profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
    let about_credentials = ["credential", "identity", "token", "sso", "profile"];
    if lower.contains("sso") || lower.contains("token is expired") || lower.contains("token has expired") {
        return format!("the SSO session cannot be used ({reason}); log in: aws sso login{profile}");
    }
    // The instance metadata service is the last provider: if it fails, no other had credentials.
    let no_credentials = ["no providers in chain", "provider was not enabled", "imds"];
    if no_credentials.iter().any(|words| lower.contains(words)) {
        let last = match request.service {
            "S3" => ", log in (aws sso login), or use --no-sign-request for a public bucket",
            _ => ", or log in (aws sso login)",
        };
        return format!(
            "no credentials found; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a --profile{last}"
        );
    }
    if about_credentials.iter().any(|word| lower.contains(word)) {
        return format!(
            "the credentials cannot be loaded ({reason}); check AWS_PROFILE, --profile and ~/.aws/config"
        );
    }
    format!("the request could not be sent to {}: {reason}", request.endpoint)
}

pub(in crate::source) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    match error {
        SdkError::ServiceError(service) => service.err().code(),
        _ => None,
    }
}

pub(in crate::source) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// The messages of an error and its sources, outermost first, in one line.
pub(in crate::source) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = one_line(&error.to_string());
    let mut next = error.source();
    while let Some(reason) = next {
        let reason_text = one_line(&reason.to_string());
        if !text.ends_with(&reason_text) {
            text.push_str(": ");
            text.push_str(&reason_text);
        }
        next = reason.source();
    }
    text
}

/// The message of the innermost source of an error: that of the system.
fn root(error: &(impl Error + 'static)) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(reason) = innermost.source() {
        innermost = reason;
    }
    one_line(&innermost.to_string())
}

fn last_reason(reasons: &str) -> &str {
    let mut start = reasons.len().saturating_sub(160);
    while !reasons.is_char_boundary(start) {
        start += 1;
    }
    match reasons[start..].find(": ") {
        Some(at) if start > 0 => &reasons[start + at + 2..],
        _ => &reasons[start..],
    }
}

/// Makes a message of a server or library safe to show: one line, no control characters, no secrets, not too long.
pub(in crate::source) fn one_line(text: &str) -> String {
    let text = without_secrets(text.trim());
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    line.truncate(line.trim_end_matches([' ', '.']).len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plausible_region_is_used() {
        assert_eq!(plausible_region("eu-central-1").as_deref(), Some("eu-central-1"));
        assert_eq!(plausible_region("evil.example/"), None);
        assert_eq!(plausible_region(""), None);
    }

    #[test]
    fn no_sign_request_was_suggested_for_log_groups() {
        let message = |service: &'static str| {
            let request = Request {
                service,
                action: "",
                bucket: "",
                key: None,
                endpoint: "",
                region: "",
                profile: None,
                is_anonymous: false,
            };
            unsent("no providers in chain provided credentials", &request)
        };
        assert!(message("S3").ends_with("or use --no-sign-request for a public bucket"));
        assert!(message("CloudWatch Logs").starts_with("no credentials found; "));
        assert!(message("CloudWatch Logs").ends_with("name a --profile, or log in (aws sso login)"));
    }

    #[test]
    fn a_message_of_a_server_becomes_one_line() {
        assert_eq!(one_line("Access\u{1b}[31m Denied.\nnext "), "Access [31m Denied. next");
    }
}
