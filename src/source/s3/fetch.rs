//! Fetches one log file and verifies that all of it arrived, and no more.

use std::hash::{BuildHasher, RandomState};
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
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
    /// Nothing that S3 could do better.
    Here(String),
}

pub(super) async fn fetch(place: &Place, file: &LogFile) -> Result<Body, SourceError> {
    let lost = |message: String| SourceError::S3 { uri: place.uri(Some(&file.name)), message };
    let attempts = place.connection.attempts();
    let mut attempt = 1;
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
        let within = place.connection.content_within(file.size.unwrap_or(UNSAID));
        let received = tokio::time::timeout(within, receive(output, file.size)).await;
        match received.unwrap_or_else(|_| Err(Loss::OnTheWay("it comes too slowly".to_owned()))) {
            Ok(body) => return Ok(body),
            Err(Loss::Here(reason)) => return Err(lost(reason)),
            Err(Loss::OnTheWay(reason)) if attempt >= attempts => {
                return Err(lost(format!(
                    "did not arrive whole in {attempts} attempts ({reason}); try again later"
                )));
            }
            Err(Loss::OnTheWay(_)) => {
                tokio::time::sleep(pause(attempt)).await;
                attempt += 1;
            }
        }
    }
}

/// 0.1–0.2 s, and twice as much after each further attempt: not all fetches that were cut off
/// together come back together.
fn pause(attempt: u32) -> Duration {
    let base = 100_u64 << attempt.min(6).saturating_sub(1);
    Duration::from_millis(base + RandomState::new().hash_one(attempt) % base)
}

async fn receive(output: GetObjectOutput, listed: Option<u64>) -> Result<Body, Loss> {
    let told = output.content_length().and_then(|length| u64::try_from(length).ok());
    // A server that does not tell the length sends what the list promised.
    let expected = told.or(listed);
    // A proxy that cuts contents may tell the length of what it left. (Decoded on the way, it is another.)
    if let (Some(told), Some(listed), None) = (told, listed, output.content_encoding())
        && told != listed
    {
        return Err(Loss::OnTheWay("it has another length than in the list".to_owned()));
    }
    match expected {
        Some(length) if length <= IN_MEMORY => collect(output, length).await,
        _ => spool(output, expected).await,
    }
}

async fn collect(mut output: GetObjectOutput, expected: u64) -> Result<Body, Loss> {
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    while let Some(chunk) = output.body.next().await {
        let chunk = chunk.map_err(|error| Loss::OnTheWay(error::chain(&error)))?;
        not_too_long(content.len() as u64 + chunk.len() as u64, Some(expected))?;
        content.extend_from_slice(&chunk);
    }
    whole(content.len() as u64, Some(expected))?;
    Ok(Body::Bytes(content))
}

async fn spool(mut output: GetObjectOutput, expected: Option<u64>) -> Result<Body, Loss> {
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
