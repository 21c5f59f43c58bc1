//! Fetches one log file and verifies that all of it arrived, and no more.

use std::hash::{BuildHasher, RandomState};
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use md5::{Digest, Md5};
use tokio::io::AsyncWriteExt;

use super::{Place, error};
use crate::source::{Body, LogFile, SourceError};

/// Larger log files wait on disk for the parser, not in memory: 1 MiB. Sixty-four are fetched at a time.
const IN_MEMORY: u64 = 1 << 20;
/// Bytes that a log file may have whose length neither the list nor the server says: 1 GiB.
const UNSAID: u64 = 1 << 30;
/// Why a content that was on its way did not arrive.
enum Loss {
    /// Cut off or stalled: worth another attempt.
    OnTheWay(String),
    /// It arrived, with this MD5, which its ETag is not.
    Damaged([u8; 16]),
    /// Nothing that S3 could do better.
    Here(String),
}

pub(super) async fn fetch(place: &Place, file: &LogFile) -> Result<Body, SourceError> {
    let lost = |message: String| SourceError::S3 { uri: place.uri(Some(&file.name)), message };
    let attempts = place.connection.attempts();
    let mut attempt = 1;
    let mut damaged = None;
    loop {
        let output = place
            .ask("s3:GetObject", Some(&file.name), |client, first_contact| {
                let request = client.get_object().bucket(&place.bucket).key(&file.name);
                async move {
                    match first_contact {
                        Some(patience) => request.customize().config_override(patience).send().await,
                        None => request.send().await,
                    }
                }
            })
            .await?;
        // What comes drop by drop would never stall.
        let told = output.content_length().and_then(|length| u64::try_from(length).ok());
        let within = place.connection.content_within(file.size.or(told).unwrap_or(IN_MEMORY));
        let tag = if place.connection.has_sums() { sum_of(&output) } else { None };
        let received = tokio::time::timeout(within, receive(output, file.size, tag, damaged)).await;
        let reason = match received.unwrap_or_else(|_| Err(Loss::OnTheWay("it comes too slowly".to_owned())))
        {
            Ok((body, Sum::Other)) => {
                place.connection.has_no_sums();
                return Ok(body);
            }
            Ok((body, Sum::Same | Sum::Unknown)) => return Ok(body),
            Err(Loss::Here(reason)) => return Err(lost(reason)),
            Err(Loss::OnTheWay(reason)) => reason,
            Err(Loss::Damaged(sum)) => {
                let is_first = damaged.replace(sum).is_none();
                // Only a second one tells whether it is damaged.
                if is_first && attempts == 1 {
                    continue;
                }
                "it was damaged: its MD5 is not its ETag".to_owned()
            }
        };
        if attempt >= attempts {
            return Err(lost(format!(
                "did not arrive whole in {attempts} attempts ({reason}); try again later"
            )));
        }
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

/// What the ETag is to the MD5 of a content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// It is that.
    Same,
    /// It is something else: the same content arrived twice, and damage is never the same.
    Other,
    /// It was not looked at.
    Unknown,
}

/// The MD5 that a content should have: the ETag of what was put in one part and is not encrypted with a key that
/// S3 does not hand out. Servers other than Amazon's may mean something else by it.
fn sum_of(output: &GetObjectOutput) -> Option<[u8; 16]> {
    let tag = output.e_tag()?.trim_matches('"');
    let is_hex = tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_readable = matches!(output.server_side_encryption(), None | Some(ServerSideEncryption::Aes256))
        && output.sse_customer_algorithm().is_none()
        // What was decoded on the way has another.
        && output.content_encoding().is_none();
    let sum = u128::from_str_radix(tag, 16).ok()?;
    (is_hex && is_readable).then(|| sum.to_be_bytes())
}

/// Whether a content is what its ETag says, or what arrived `before`.
fn verify(tag: Option<[u8; 16]>, md5: Option<Md5>, before: Option<[u8; 16]>) -> Result<Sum, Loss> {
    let Some((tag, md5)) = tag.zip(md5) else { return Ok(Sum::Unknown) };
    let sum: [u8; 16] = md5.finalize().into();
    match before {
        _ if sum == tag => Ok(Sum::Same),
        Some(before) if before == sum => Ok(Sum::Other),
        _ => Err(Loss::Damaged(sum)),
    }
}

/// 0.1–0.2 s, and twice as much after each further attempt: not all fetches that were cut off
/// together come back together.
fn pause(attempt: u32) -> Duration {
    let base = 100_u64 << attempt.min(6).saturating_sub(1);
    Duration::from_millis(base + RandomState::new().hash_one(attempt) % base)
}

async fn receive(
    output: GetObjectOutput,
    listed: Option<u64>,
    tag: Option<[u8; 16]>,
    before: Option<[u8; 16]>,
) -> Result<(Body, Sum), Loss> {
    let told = output.content_length().and_then(|length| u64::try_from(length).ok());
    // A server that does not tell the length sends what the list promised.
    let expected = told.or(listed);
    // A proxy that cuts contents may tell the length of what it left. (Decoded on the way, it is another.)
    if let (Some(told), Some(listed), None) = (told, listed, output.content_encoding())
        && told != listed
    {
        return Err(Loss::OnTheWay("it has another length than in the list".to_owned()));
    }
    let mut md5 = tag.map(|_| Md5::new());
    let body = match expected {
        Some(length) if length <= IN_MEMORY => collect(output, length, &mut md5).await?,
        _ => spool(output, expected, &mut md5).await?,
    };
    Ok((body, verify(tag, md5, before)?))
}

async fn collect(mut output: GetObjectOutput, expected: u64, md5: &mut Option<Md5>) -> Result<Body, Loss> {
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    while let Some(chunk) = output.body.next().await {
        let chunk = chunk.map_err(|error| Loss::OnTheWay(error::chain(&error)))?;
        not_too_long(content.len() as u64 + chunk.len() as u64, Some(expected))?;
        md5.iter_mut().for_each(|md5| md5.update(&chunk));
        content.extend_from_slice(&chunk);
    }
    whole(content.len() as u64, Some(expected))?;
    Ok(Body::Bytes(content))
}

async fn spool(
    mut output: GetObjectOutput,
    expected: Option<u64>,
    md5: &mut Option<Md5>,
) -> Result<Body, Loss> {
    let here = |error: std::io::Error| {
        let folder = std::env::temp_dir();
        let size = expected.map_or_else(|| "a log file".to_owned(), |expected| format!("{expected} bytes"));
        Loss::Here(format!(
            "no room to keep {size} in {}: {error}; make room there, or name another folder with TMPDIR",
            folder.display()
        ))
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(here)?);
    let mut length = 0;
    while let Some(chunk) = output.body.next().await {
        let chunk = chunk.map_err(|error| Loss::OnTheWay(error::chain(&error)))?;
        length += chunk.len() as u64;
        not_too_long(length, expected)?;
        md5.iter_mut().for_each(|md5| md5.update(&chunk));
        file.write_all(&chunk).await.map_err(here)?;
    }
    file.flush().await.map_err(here)?;
    whole(length, expected)?;
    let mut file = file.into_std().await;
    file.rewind().map_err(here)?;
    Ok(Body::File(file))
}

/// A server that goes on sending is not listened to.
fn not_too_long(length: u64, expected: Option<u64>) -> Result<(), Loss> {
    match expected {
        Some(expected) if length > expected => {
            Err(Loss::OnTheWay("it is longer than in the list".to_owned()))
        }
        None if length > UNSAID => Err(Loss::Here(format!(
            "is longer than {} MiB, and neither the list nor the server says how long it is",
            UNSAID >> 20
        ))),
        _ => Ok(()),
    }
}

fn whole(length: u64, expected: Option<u64>) -> Result<(), Loss> {
    match expected {
        // Without numbers: what happens to many log files is told in one line.
        Some(expected) if expected != length => Err(Loss::OnTheWay("its end is missing".to_owned())),
        _ => Ok(()),
    }
}
