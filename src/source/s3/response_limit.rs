//! What S3 answers is read into memory whole, but for the contents of log files: lists, and why it refuses. A
//! server that never ends an answer must not fill the memory, so it is cut off at a size that no answer of S3
//! has.

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

/// Bytes that an answer may have: 8 MiB. The longest that S3 gives, a page of 1,000 names of 1,024 bytes each
/// written as an entity of six, has 7 MB.
const MOST_BYTES: u64 = 8 << 20;

/// Tags that an answer may have: 65,536. S3 has about 20 for a name and 1,000 names in a page. What is made of
/// a name in memory takes much more than an empty tag does.
const MOST_TAGS: u64 = 64 << 10;

/// Why an answer was cut off.
#[derive(Debug, thiserror::Error)]
pub(super) enum TooMuch {
    /// More than [`MOST_BYTES`].
    #[error("an answer of more than {} MiB", MOST_BYTES >> 20)]
    Bytes,
    /// More than [`MOST_TAGS`].
    #[error("an answer of more than {MOST_TAGS} tags")]
    Tags,
}

impl TooMuch {
    /// The one that is among the reasons of an error.
    pub(super) fn among<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TooMuch> {
        let mut reason = Some(error);
        while let Some(error) = reason {
            if let Some(too_much) = error.downcast_ref() {
                return Some(too_much);
            }
            reason = error.source();
        }
        None
    }
}

/// Cuts off answers that are too long.
#[derive(Debug)]
pub(super) struct BoundAnswers;

impl Intercept for BoundAnswers {
    fn name(&self) -> &'static str {
        "BoundAnswers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // `fetch` reads the content of a log file, and checks its length.
        let is_content = context.response().status().is_success()
            && config.load::<Metadata>().is_some_and(|operation| operation.name() == "GetObject");
        if !is_content {
            let response = context.response_mut();
            let bounded = Bounded { body: response.take_body(), bytes: 0, tags: 0 };
            *response.body_mut() = SdkBody::from_body_1_x(bounded);
        }
        Ok(())
    }
}

/// A server that sends too much once is not asked again.
impl ClassifyRetry for BoundAnswers {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        // Without the error itself, which may contain what the server sent.
        let status = context.response().map(|response| response.status().as_u16());
        tracing::info!(status, timeout = error.is_timeout_error(), "an S3 request failed");
        match TooMuch::among(error) {
            Some(_) => RetryAction::RetryForbidden,
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "BoundAnswers"
    }
}

/// A body that fails when there is too much of it.
struct Bounded {
    body: SdkBody,
    bytes: u64,
    tags: u64,
}

impl Bounded {
    fn count(&mut self, data: &[u8]) -> Result<(), TooMuch> {
        self.bytes += data.len() as u64;
        self.tags += memchr::memchr_iter(b'<', data).count() as u64;
        if self.bytes > MOST_BYTES {
            Err(TooMuch::Bytes)
        } else if self.tags > MOST_TAGS {
            Err(TooMuch::Tags)
        } else {
            Ok(())
        }
    }
}

impl Body for Bounded {
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
            // What has come is not kept.
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
    fn an_answer_ends_at_its_most_bytes_and_tags() {
        let mut bounded = Bounded { body: SdkBody::empty(), bytes: 0, tags: 0 };
        assert!(bounded.count(&vec![b'x'; MOST_BYTES as usize]).is_ok());
        assert!(matches!(bounded.count(b"x"), Err(TooMuch::Bytes)));
        let mut bounded = Bounded { body: SdkBody::empty(), bytes: 0, tags: 0 };
        assert!(bounded.count(&vec![b'<'; MOST_TAGS as usize]).is_ok());
        assert!(bounded.count(b"x").is_ok());
        assert!(matches!(bounded.count(b"<"), Err(TooMuch::Tags)));
    }

    #[test]
    fn the_longest_page_of_s3_is_no_answer_that_never_ends() {
        let name = "&quot;".repeat(1024);
        let object = format!(
            "<Contents><Key>{name}</Key><LastModified>2026-04-01T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;\
             </ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Owner>\
             <ID>{0}{0}</ID><DisplayName>somebody</DisplayName></Owner><Size>5000000000</Size><StorageClass>\
             INTELLIGENT_TIERING</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>\
             </RestoreStatus></Contents>",
            "0".repeat(32)
        );
        let mut bounded = Bounded { body: SdkBody::empty(), bytes: 0, tags: 0 };
        for _ in 0..1000 {
            bounded.count(object.as_bytes()).unwrap();
        }
    }
}
