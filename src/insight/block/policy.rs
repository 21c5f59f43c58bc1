//! An S3 bucket policy that denies requests.
//!
//! The grammar is that of the IAM JSON policy language
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>); the meaning of the condition keys
//! is described in "AWS global condition context keys" of the same guide.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::impact::only_bucket;
use super::{BlockError, Plan, escaped};

/// The largest size of a bucket policy, in bytes.
pub const MAX_POLICY_BYTES: usize = 20 * 1024;

/// Actions on objects. A denied address cannot lock the owner out of the policy itself.
const ACTIONS: [&str; 7] = [
    "s3:GetObject*",
    "s3:PutObject*",
    "s3:DeleteObject*",
    "s3:RestoreObject",
    "s3:AbortMultipartUpload",
    "s3:ListBucket*",
    "s3:ListMultipartUploadParts",
];

/// The policy as text, with a line end.
pub(super) fn write(plan: &Plan) -> Result<String, BlockError> {
    let bucket = only_bucket(&plan.buckets)?;
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bucket.is_empty() || bucket.len() > 255 || !bucket.chars().all(is_of_name) {
        return Err(BlockError::NotABucket(bucket.to_owned()));
    }
    let policy = policy(plan, bucket);
    let mut text = escaped(&format!("{policy:#}\n"));
    if text.len() > MAX_POLICY_BYTES {
        text = escaped(&format!("{policy}\n"));
    }
    match text.trim_end().len() {
        bytes if bytes > MAX_POLICY_BYTES => Err(BlockError::PolicyTooLarge { bytes }),
        _ => Ok(text),
    }
}

fn policy(plan: &Plan, bucket: &str) -> Value {
    let arns = plan.principals.iter().filter_map(|arn| arn.split(':').nth(1));
    let partition = arns.clone().next().unwrap_or("aws");
    let resources =
        json!([format!("arn:{partition}:s3:::{bucket}"), format!("arn:{partition}:s3:::{bucket}/*")]);
    let texts = |networks: &[IpNet]| networks.iter().map(IpNet::to_string).collect::<Vec<String>>();
    // Anonymous requests have neither key: without `IfExists`, the statement would not apply to them.
    let not_by_services = json!({ "aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false" });
    let deny = |sid: &str, operator: &str, key: &str, values: Vec<String>| {
        let mut condition = json!({ operator: { key: values }, "BoolIfExists": not_by_services });
        if !plan.accounts.is_empty() {
            condition["StringNotEqualsIfExists"] = json!({ "aws:PrincipalAccount": plan.accounts });
        }
        json!({
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": ACTIONS,
            "Resource": resources,
            "Condition": condition,
        })
    };
    let mut statements = Vec::new();
    if !plan.networks.is_empty() {
        statements.push(deny("TamarinBlockAddresses", "IpAddress", "aws:SourceIp", texts(&plan.networks)));
    }
    if !plan.private.is_empty() {
        statements.push(deny(
            "TamarinBlockVpcAddresses",
            "IpAddress",
            "aws:VpcSourceIp",
            texts(&plan.private),
        ));
    }
    if !plan.referers.is_empty() {
        let patterns = |host: &String| ["", "/*", ":*"].map(|rest| format!("*://{host}{rest}"));
        let patterns = plan.referers.iter().flat_map(patterns).collect();
        statements.push(deny("TamarinBlockReferers", "StringLike", "aws:Referer", patterns));
    }
    if !plan.principals.is_empty() {
        statements.push(json!({
            "Sid": "TamarinBlockPrincipals",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": resources,
            // No exception for requests via a service: they are made for the principal.
            "Condition": {
                "ArnLike": { "aws:PrincipalArn": plan.principals },
                "BoolIfExists": { "aws:PrincipalIsAWSService": "false" },
            },
        }));
    }
    if !plan.canonical_ids.is_empty() {
        statements.push(json!({
            "Sid": "TamarinBlockAccounts",
            "Effect": "Deny",
            "Principal": { "CanonicalUser": plan.canonical_ids },
            "Action": "s3:*",
            "Resource": resources,
        }));
    }
    json!({ "Version": "2012-10-17", "Id": "tamarin-block-list", "Statement": statements })
}
