//! Deletes log files.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Location;
use crate::source::{Removed, SourceError};

/// Keys in one request: the maximum of S3.
const KEYS_PER_REQUEST: usize = 1000;

pub(super) async fn remove(location: &Location, names: &[String]) -> Result<Removed, SourceError> {
    let mut removed = Removed::default();
    for names in names.chunks(KEYS_PER_REQUEST) {
        let invalid = |error: aws_sdk_s3::error::BuildError| SourceError::S3 {
            uri: location.uri.clone(),
            message: format!("the delete request is invalid: {error}"),
        };
        let objects = names
            .iter()
            .map(|name| ObjectIdentifier::builder().key(name).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(invalid)?;
        // Quiet: S3 returns only the keys that it could not delete.
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(invalid)?;
        let output = location
            .request("s3:DeleteObject", Some(""), |client, config| {
                let request = client.delete_objects().bucket(&location.bucket).delete(delete.clone());
                request.customize().config_override(config).send()
            })
            .await?;
        let mut refused = 0;
        for error in output.errors() {
            // The object was deleted already.
            if error.code() == Some("NoSuchKey") {
                continue;
            }
            refused += 1;
            let bucket = &location.bucket;
            let reason = match (error.code(), error.message()) {
                (Some("AccessDenied"), _) => {
                    format!("access denied; s3:DeleteObject is required on arn:aws:s3:::{bucket}/*")
                }
                (code, message) => {
                    format!("{} {}", code.unwrap_or_default(), message.unwrap_or_default()).trim().to_owned()
                }
            };
            removed.refused.push((error.key().unwrap_or_default().to_owned(), reason));
        }
        removed.count += (names.len() - refused.min(names.len())) as u64;
    }
    Ok(removed)
}
