//! Explains errors of CloudWatch Logs: one line that says what is wrong and what to do.

use std::error::Error;

use aws_sdk_cloudwatchlogs::config::http::HttpResponse;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};

use crate::source::s3::error::{self as common, code, one_line, status};

/// A request, as its errors describe it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The permission that it requires, `logs:…`.
    pub(super) action: &'static str,
    /// The name of the log group; `None`: the request is about the deliveries of the account.
    pub(super) log_group: Option<&'a str>,
    /// The URL of the server, without credentials.
    pub(super) endpoint: &'a str,
    /// The region that it was sent to.
    pub(super) region: &'a str,
    /// The profile that the user named.
    pub(super) profile: Option<&'a str>,
    /// Whether the request was not signed.
    pub(super) is_anonymous: bool,
}

/// Whether the service refused the request because there were too many.
pub(super) fn is_throttling<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(code(error), Some("ThrottlingException" | "Throttling" | "TooManyRequestsException"))
        || status(error) == Some(429)
}

/// Explains an error: one line that says what is wrong and what to do.
pub(super) fn explain<E>(error: &SdkError<E, HttpResponse>, request: &Request<'_>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Request { action, log_group, endpoint, region, profile, is_anonymous } = *request;
    let message = match error {
        SdkError::ServiceError(service) => service.err().message().map(one_line).unwrap_or_default(),
        _ => String::new(),
    };
    let detail = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let lower = message.to_ascii_lowercase();
    match code(error) {
        // The SDK does not even send unsigned requests of this service.
        code if is_anonymous && (code.is_some() || common::is_about_credentials(error)) => {
            "CloudWatch Logs cannot be read anonymously; omit --no-sign-request".to_owned()
        }
        Some("ResourceNotFoundException") if log_group.is_some() => format!(
            "there is no log group `{}` in region {region}; check the name, the account (--profile) and the region \
             (--region)",
            log_group.unwrap_or_default()
        ),
        // Log groups of the class Infrequent Access support only CloudWatch Logs Insights.
        Some("InvalidParameterException" | "InvalidOperationException" | "ValidationException")
            if lower.contains("infrequent") || lower.contains("log class") =>
        {
            format!(
                "the events of this log group cannot be read{detail}; {action} requires a log group of the class \
                 Standard, so deliver the logs to S3 too, and read them there"
            )
        }
        Some("AccessDeniedException" | "AccessDenied") => {
            let resource = match log_group {
                Some(name) => format!("the log group `{name}`"),
                None => "*".to_owned(),
            };
            format!(
                "access denied{detail}; {action} is required on {resource} (for another identity: --profile)"
            )
        }
        Some("InvalidSignatureException")
            if lower.contains("expired") || lower.contains("not yet current") =>
        {
            "the clock of this machine differs from that of CloudWatch Logs; correct it".to_owned()
        }
        Some(_) if is_throttling(error) => format!(
            "{endpoint} keeps asking to slow down; other programs of the account use up the quota of {action} in \
             {region}; try again later"
        ),
        Some("ServiceUnavailableException" | "InternalFailure") => {
            format!("{endpoint} has an internal error{detail}; try again later")
        }
        _ => common::explain(
            error,
            &common::Request {
                service: "CloudWatch Logs",
                action,
                bucket: log_group.unwrap_or_default(),
                key: None,
                endpoint,
                region,
                profile,
                is_anonymous,
            },
        ),
    }
}
