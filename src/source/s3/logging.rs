//! From the bucket that is logged to where its log files are.
//!
//! Who names a bucket without a prefix may mean the one that the requests were about. If its names do not
//! look like those of log files, S3 is asked where it delivers them (GetBucketLogging).

use aws_sdk_s3::types::LoggingEnabled;

use super::{Place, error};
use crate::log::object_name;
use crate::source::SourceError;

/// What names of log files end with that were collected under other names.
const ENDINGS: [&str; 3] = [".log", ".log.gz", ".log.zst"];

/// Where the log files of a bucket are, if they are elsewhere: `s3://bucket[/prefix]`.
pub(super) async fn locate(place: &Place) -> Result<Option<String>, SourceError> {
    let names = names(place).await;
    if names.as_ref().is_ok_and(|names| names.iter().any(|name| is_log_name(name))) {
        return Ok(None);
    }
    if place.connection.first_contact().is_some() {
        // S3 cannot be reached: another question would only keep people waiting.
        return names.map(|_| None);
    }
    let answer = place
        .ask("s3:GetBucketLogging", None, |client, first_contact| {
            let request = client.get_bucket_logging().bucket(&place.bucket);
            async move {
                let sent = match first_contact {
                    Some(patience) => request.customize().config_override(patience).send().await,
                    None => request.send().await,
                };
                match sent {
                    // Some servers have no logging: then the bucket is what it is.
                    Err(error) if error::is_not_implemented(&error) => Ok(None),
                    sent => sent.map(Some),
                }
            }
        })
        .await;
    let names = match (names, &answer) {
        (Ok(names), _) => names,
        // A bucket whose names may not be listed may still say where it is logged.
        (Err(_), Ok(Some(output))) if output.logging_enabled().is_some() => Vec::new(),
        (Err(error), _) => return Err(error),
    };
    match answer {
        Ok(None) => Ok(None),
        Ok(Some(output)) => match output.logging_enabled() {
            Some(logging) => Ok(Some(location(logging)).filter(|uri| *uri != place.uri)),
            // An empty bucket may be one that log files are still to come to.
            None if names.is_empty() => Ok(None),
            None => Err(is_off(place)),
        },
        Err(_) if names.is_empty() => Ok(None),
        Err(SourceError::S3 { uri, message }) => {
            let message = format!(
                "no log files among its names, and where it is logged cannot be found out: {message}; or name \
                 the place of the log files, s3://LOG-BUCKET/PREFIX"
            );
            Err(SourceError::S3 { uri, message })
        }
        Err(error) => Err(error),
    }
}

/// The first names of the bucket.
async fn names(place: &Place) -> Result<Vec<String>, SourceError> {
    let output = place
        .ask("s3:ListBucket", None, |client, first_contact| {
            let request = client.list_objects_v2().bucket(&place.bucket);
            async move {
                match first_contact {
                    Some(patience) => request.customize().config_override(patience).send().await,
                    None => request.send().await,
                }
            }
        })
        .await?;
    Ok(output.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
}

fn is_log_name(name: &str) -> bool {
    object_name::NameDate::find(name).is_some() || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn location(logging: &LoggingEnabled) -> String {
    match logging.target_prefix() {
        "" => format!("s3://{}", logging.target_bucket()),
        prefix => format!("s3://{}/{prefix}", logging.target_bucket()),
    }
}

fn is_off(place: &Place) -> SourceError {
    let bucket = &place.bucket;
    let message = format!(
        "no log files among its names, and its access logging is off; switch it on: aws s3api put-bucket-logging \
         --bucket {bucket} --bucket-logging-status \
         '{{\"LoggingEnabled\":{{\"TargetBucket\":\"LOG-BUCKET\",\"TargetPrefix\":\"{bucket}/\"}}}}'; if log \
         files lie in it under other names, write s3://{bucket}/"
    );
    SourceError::S3 { uri: place.uri.clone(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_files_are_told_from_media_by_their_names() {
        for name in ["media/2026-04-03-03-11-11-0123456789ABCDEF", "april.log", "x/april.log.gz", "a.log.zst"]
        {
            assert!(is_log_name(name), "{name}");
        }
        for name in ["film.mp4", "backup.tar.gz", "catalog", "2026-04-03.jpg"] {
            assert!(!is_log_name(name), "{name}");
        }
    }
}
