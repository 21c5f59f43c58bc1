//! Fetches a log file and verifies that its content is complete and undamaged.

use std::hash::{BuildHasher, RandomState};
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use md5::{Digest, Md5};
use tokio::io::AsyncWriteExt;

use super::{Location, error};
use crate::source::{Body, LogFile, SourceError};

/// Size of the largest log file that waits for the parser in memory. Larger ones wait on disk, because 64 are fetched
/// at a time.
const MAX_IN_MEMORY_BYTES: u64 = 1 << 20;
/// Size of the largest log file whose size is neither in the listing nor in the response.
const MAX_UNKNOWN_SIZE_BYTES: u64 = 1 << 30;

/// Why a content was not received.
enum Loss {
    /// Cut off or stalled. Another attempt may succeed.
    InTransfer(String),
    /// Received with this MD5, which is not the ETag.
    Damaged([u8; 16]),
    /// A local error. Another attempt would fail too.
    Local(String),
}

pub(super) async fn fetch(location: &Location, file: &LogFile) -> Result<Body, SourceError> {
    let failed = |message: String| SourceError::S3 { uri: location.uri(Some(&file.name)), message };
    let attempts = location.connection.attempts;
    let mut attempt = 1;
    let mut damaged = None;
    loop {
        let output = location
            .request("s3:GetObject", Some(&file.name), |client, config| {
                let request = client.get_object().bucket(&location.bucket).key(&file.name);
                request.customize().config_override(config).send()
            })
            .await?;
        // The stall timeout does not end a transfer that sends single bytes.
        let length = output.content_length().and_then(|length| u64::try_from(length).ok());
        let timeout = location.connection.file_timeout(file.size.or(length).unwrap_or(MAX_IN_MEMORY_BYTES));
        let etag = if location.connection.may_have_md5_etags() { md5_etag(&output) } else { None };
        let received = tokio::time::timeout(timeout, receive(output, file.size, etag, damaged)).await;
        let reason =
            match received.unwrap_or_else(|_| Err(Loss::InTransfer("the transfer is too slow".to_owned()))) {
                Ok((body, EtagCheck::Differs)) => {
                    location.connection.set_other_etags();
                    return Ok(body);
                }
                Ok((body, EtagCheck::Matches | EtagCheck::Unchecked)) => return Ok(body),
                Err(Loss::Local(reason)) => return Err(failed(reason)),
                Err(Loss::InTransfer(reason)) => reason,
                Err(Loss::Damaged(sum)) => {
                    let is_first = damaged.replace(sum).is_none();
                    // Only a second transfer shows whether the first one was damaged.
                    if is_first && attempts == 1 {
                        continue;
                    }
                    "damaged: its MD5 differs from its ETag".to_owned()
                }
            };
        if attempt >= attempts {
            let message =
                format!("not received completely in {attempts} attempts ({reason}); try again later");
            return Err(failed(message));
        }
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

/// Whether the ETag is the MD5 of a content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EtagCheck {
    Matches,
    /// The ETag is not an MD5: two transfers gave the same content, and damage would differ.
    Differs,
    Unchecked,
}

/// The MD5 that a content should have: the ETag of an object that was uploaded in one part and is not encrypted with a
/// KMS or customer key. On other servers than Amazon S3, ETags may be something else.
fn md5_etag(output: &GetObjectOutput) -> Option<[u8; 16]> {
    let etag = output.e_tag()?.trim_matches('"');
    let is_hex = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_md5 = matches!(output.server_side_encryption(), None | Some(ServerSideEncryption::Aes256))
        && output.sse_customer_algorithm().is_none()
        // The HTTP client has decoded the content.
        && output.content_encoding().is_none();
    let md5 = u128::from_str_radix(etag, 16).ok()?;
    (is_hex && is_md5).then(|| md5.to_be_bytes())
}

/// Compares a content with its ETag, and with the MD5 of the transfer `before` it.
fn verify(etag: Option<[u8; 16]>, md5: Option<Md5>, before: Option<[u8; 16]>) -> Result<EtagCheck, Loss> {
    let Some((etag, md5)) = etag.zip(md5) else { return Ok(EtagCheck::Unchecked) };
    let sum: [u8; 16] = md5.finalize().into();
    match before {
        _ if sum == etag => Ok(EtagCheck::Matches),
        Some(before) if before == sum => Ok(EtagCheck::Differs),
        _ => Err(Loss::Damaged(sum)),
    }
}

/// The pause after an attempt: 0.1–0.2 s at random, doubled for each further attempt, so that fetches that were cut
/// off at the same time are not all repeated at the same time.
fn pause(attempt: u32) -> Duration {
    let base = 100_u64 << attempt.min(6).saturating_sub(1);
    Duration::from_millis(base + RandomState::new().hash_one(attempt) % base)
}

async fn receive(
    output: GetObjectOutput,
    listed: Option<u64>,
    etag: Option<[u8; 16]>,
    before: Option<[u8; 16]>,
) -> Result<(Body, EtagCheck), Loss> {
    let length = output.content_length().and_then(|length| u64::try_from(length).ok());
    let expected = length.or(listed);
    // A proxy that truncates the content may adapt the length. (A decoded content has another length.)
    if let (Some(length), Some(listed), None) = (length, listed, output.content_encoding())
        && length != listed
    {
        return Err(Loss::InTransfer("its length differs from the listing".to_owned()));
    }
    let mut md5 = etag.map(|_| Md5::new());
    let body = match expected {
        Some(length) if length <= MAX_IN_MEMORY_BYTES => collect(output, length, &mut md5).await?,
        _ => spool(output, expected, &mut md5).await?,
    };
    Ok((body, verify(etag, md5, before)?))
}

async fn collect(mut output: GetObjectOutput, expected: u64, md5: &mut Option<Md5>) -> Result<Body, Loss> {
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    while let Some(chunk) = output.body.next().await {
        let chunk = chunk.map_err(|error| Loss::InTransfer(error::chain(&error)))?;
        check_length(content.len() as u64 + chunk.len() as u64, Some(expected))?;
        md5.iter_mut().for_each(|md5| md5.update(&chunk));
        content.extend_from_slice(&chunk);
    }
    check_complete(content.len() as u64, Some(expected))?;
    Ok(Body::Bytes(content))
}

async fn spool(
    mut output: GetObjectOutput,
    expected: Option<u64>,
    md5: &mut Option<Md5>,
) -> Result<Body, Loss> {
    let local = |error: std::io::Error| {
        let folder = std::env::temp_dir();
        let size = expected.map_or_else(|| "a log file".to_owned(), |expected| format!("{expected} bytes"));
        Loss::Local(format!(
            "{size} cannot be written to {}: {error}; free space there, or set TMPDIR to another folder",
            folder.display()
        ))
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(local)?);
    let mut length = 0;
    while let Some(chunk) = output.body.next().await {
        let chunk = chunk.map_err(|error| Loss::InTransfer(error::chain(&error)))?;
        length += chunk.len() as u64;
        check_length(length, expected)?;
        md5.iter_mut().for_each(|md5| md5.update(&chunk));
        file.write_all(&chunk).await.map_err(local)?;
    }
    file.flush().await.map_err(local)?;
    check_complete(length, expected)?;
    let mut file = file.into_std().await;
    file.rewind().map_err(local)?;
    Ok(Body::File(file))
}

/// Ends a transfer that is longer than expected.
fn check_length(length: u64, expected: Option<u64>) -> Result<(), Loss> {
    match expected {
        Some(expected) if length > expected => Err(Loss::InTransfer("longer than in the listing".to_owned())),
        None if length > MAX_UNKNOWN_SIZE_BYTES => Err(Loss::Local(format!(
            "has more than {} MiB, and neither the listing nor the response has its length",
            MAX_UNKNOWN_SIZE_BYTES >> 20
        ))),
        _ => Ok(()),
    }
}

fn check_complete(length: u64, expected: Option<u64>) -> Result<(), Loss> {
    match expected {
        // Without numbers, so that the failures of many log files are reported in one line.
        Some(expected) if expected != length => Err(Loss::InTransfer("its end is missing".to_owned())),
        _ => Ok(()),
    }
}
