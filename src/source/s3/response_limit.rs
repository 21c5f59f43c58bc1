//! Limits the size of responses. All responses except log files are read into memory as a whole, so a response that
//! never ends must not fill the memory: it is cut off at a size that no response of S3 has.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::interceptors::{BeforeDeserializationInterceptorContextMut, InterceptorContext};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use http_body::{Body, Frame};

/// Bytes of the longest response. The longest one of S3 has 7 MB: a page of 1,000 names of 1,024 bytes, each byte an
/// XML entity of six bytes.
const MAX_RESPONSE_BYTES: u64 = 8 << 20;
/// Tags of the longest response. S3 sends about 20 tags for a name and 1,000 names in a page. In memory, the data of a
/// tag takes much more than an empty tag does in the response.
const MAX_RESPONSE_TAGS: u64 = 64 << 10;
/// Bytes of the longest response of CloudWatch Logs: a page of 1 MiB of messages, each byte an escape of six bytes, and
/// 10,000 times the rest of an event.
const MAX_LOGS_RESPONSE_BYTES: u64 = 16 << 20;
/// Opening braces of such a page: all bytes of the messages may be braces.
const MAX_LOGS_RESPONSE_BRACES: u64 = (1 << 20) + (64 << 10);

/// Why a response was cut off.
#[derive(Debug, thiserror::Error)]
pub(in crate::source) enum ResponseTooLarge {
    #[error("the response has more than {} MiB", .0 >> 20)]
    Bytes(u64),
    #[error("the response has more than {0} {1}")]
    Marks(u64, &'static str),
}

impl ResponseTooLarge {
    /// The error of this type in the source chain of `error`.
    pub(in crate::source) fn find_in<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e ResponseTooLarge> {
        let mut reason = Some(error);
        while let Some(error) = reason {
            if let Some(too_large) = error.downcast_ref() {
                return Some(too_large);
            }
            reason = error.source();
        }
        None
    }
}

/// Cuts off responses that are too large, in bytes or in marks: characters that begin a value, which takes memory.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct LimitResponses {
    max_bytes: u64,
    mark: u8,
    max_marks: u64,
    marks: &'static str,
}

impl LimitResponses {
    /// The limits of responses of S3 in XML.
    pub(in crate::source) const S3: LimitResponses = LimitResponses {
        max_bytes: MAX_RESPONSE_BYTES,
        mark: b'<',
        max_marks: MAX_RESPONSE_TAGS,
        marks: "tags",
    };
    /// The limits of responses of CloudWatch Logs in JSON.
    pub(in crate::source) const LOGS: LimitResponses = LimitResponses {
        max_bytes: MAX_LOGS_RESPONSE_BYTES,
        mark: b'{',
        max_marks: MAX_LOGS_RESPONSE_BRACES,
        marks: "objects",
    };
}

impl Intercept for LimitResponses {
    fn name(&self) -> &'static str {
        "LimitResponses"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The content of a log file is not read into memory: `fetch` checks its length.
        let is_content = context.response().status().is_success()
            && config.load::<Metadata>().is_some_and(|operation| operation.name() == "GetObject");
        if !is_content {
            let response = context.response_mut();
            let limited = LimitedBody::new(response.take_body(), *self);
            *response.body_mut() = SdkBody::from_body_1_x(limited);
        }
        Ok(())
    }
}

/// A request whose response was too large is not repeated.
impl ClassifyRetry for LimitResponses {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        // Without the error itself, which may contain what the server sent.
        let status = context.response().map(|response| response.status().as_u16());
        tracing::info!(status, timeout = error.is_timeout_error(), "a request to AWS failed");
        match ResponseTooLarge::find_in(error) {
            Some(_) => RetryAction::RetryForbidden,
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "LimitResponses"
    }
}

/// A body that fails when it is too large.
struct LimitedBody {
    body: SdkBody,
    limits: LimitResponses,
    bytes: u64,
    marks: u64,
}

impl LimitedBody {
    fn new(body: SdkBody, limits: LimitResponses) -> LimitedBody {
        LimitedBody { body, limits, bytes: 0, marks: 0 }
    }

    fn count(&mut self, data: &[u8]) -> Result<(), ResponseTooLarge> {
        self.bytes += data.len() as u64;
        let LimitResponses { max_bytes, mark, max_marks, marks } = self.limits;
        self.marks += memchr::memchr_iter(mark, data).count() as u64;
        if self.bytes > max_bytes {
            Err(ResponseTooLarge::Bytes(max_bytes))
        } else if self.marks > max_marks {
            Err(ResponseTooLarge::Marks(max_marks, marks))
        } else {
            Ok(())
        }
    }
}

impl Body for LimitedBody {
    type Data = <SdkBody as Body>::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(error) = self.count(data)
        {
            // Drops the rest of the response.
            self.body = SdkBody::taken();
            return Poll::Ready(Some(Err(error.into())));
        }
        Poll::Ready(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_with_too_many_bytes_or_tags_is_cut_off() {
        let mut body = LimitedBody::new(SdkBody::empty(), LimitResponses::S3);
        assert!(body.count(&vec![b'x'; MAX_RESPONSE_BYTES as usize]).is_ok());
        assert!(matches!(body.count(b"x"), Err(ResponseTooLarge::Bytes(_))));
        let mut body = LimitedBody::new(SdkBody::empty(), LimitResponses::S3);
        assert!(body.count(&vec![b'<'; MAX_RESPONSE_TAGS as usize]).is_ok());
        assert!(body.count(b"x").is_ok());
        assert!(matches!(body.count(b"<"), Err(ResponseTooLarge::Marks(_, "tags"))));
    }

    #[test]
    fn the_longest_page_of_s3_is_within_the_limits() {
        let name = "&quot;".repeat(1024);
        let object = format!(
            "<Contents><Key>{name}</Key><LastModified>2026-04-01T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;\
             </ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Owner>\
             <ID>{0}{0}</ID><DisplayName>log-team</DisplayName></Owner><Size>5000000000</Size><StorageClass>\
             INTELLIGENT_TIERING</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>\
             </RestoreStatus></Contents>",
            "0".repeat(32)
        );
        let mut body = LimitedBody::new(SdkBody::empty(), LimitResponses::S3);
        for _ in 0..1000 {
            body.count(object.as_bytes()).unwrap();
        }
    }

    #[test]
    fn the_longest_page_of_log_events_is_within_the_limits() {
        let event = |message: &str| {
            format!(
                "{{\"logStreamName\":\"{}\",\"timestamp\":1780000000000,\"message\":\"{message}\",\"ingestionTime\":\
                 1780000000000,\"eventId\":\"{}\"}},",
                "s".repeat(512),
                "0".repeat(56)
            )
        };
        for (bytes, escape) in [(1 << 20, "{"), (1 << 20, "\\u001b")] {
            let mut body = LimitedBody::new(SdkBody::empty(), LimitResponses::LOGS);
            for _ in 0..10_000 {
                body.count(event(&escape.repeat(bytes / 10_000)).as_bytes()).unwrap();
            }
        }
    }
}
