//! The region that the host of a request names: `bucket.s3.eu-west-1.amazonaws.com`.
//!
//! The forms of hosts are in "Amazon Simple Storage Service endpoints and quotas" of the AWS General Reference.

/// What the label before the region begins with, or is: `s3`, `s3-fips`, `s3-accesspoint`, `s3-website`, `dualstack`.
fn is_service(label: &str) -> bool {
    label == "s3" || label.starts_with("s3-") || label == "dualstack"
}

/// The region in the name of a host, with or without a port; `None` if the host names none, as `bucket.s3.amazonaws.com`.
pub fn region_of_host(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let name = host.split(':').next()?;
    let name = name.strip_suffix(".amazonaws.com").or_else(|| name.strip_suffix(".amazonaws.com.cn"))?;
    let mut labels = name.rsplit('.');
    let last = labels.next()?;
    let region = match ["s3-website-", "s3-"].iter().find_map(|prefix| last.strip_prefix(prefix)) {
        Some("external-1") => "us-east-1",
        Some(region) => region,
        None if labels.next().is_some_and(is_service) => last,
        None => return None,
    };
    is_region(region).then(|| region.to_owned())
}

/// Whether a text has the form of the code of a region: words and a number, as `eu-west-1` and `us-gov-east-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] => {
            words.len() >= 2
                && words.iter().all(is_word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_s3_name_their_region() {
        for (host, region) in [
            ("acme.s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("a.b.c.s3.eu-west-1.amazonaws.com:443", Some("eu-west-1")),
            ("s3.us-gov-east-1.amazonaws.com", Some("us-gov-east-1")),
            ("S3.DUALSTACK.ap-southeast-2.amazonaws.com", Some("ap-southeast-2")),
            ("acme.s3-fips.us-east-2.amazonaws.com", Some("us-east-2")),
            ("analytics-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("acme.s3-website-eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("acme.s3-website.eu-central-1.amazonaws.com", Some("eu-central-1")),
            ("acme.s3-eu-central-1.amazonaws.com", Some("eu-central-1")),
            ("acme.s3.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("s3-external-1.amazonaws.com", Some("us-east-1")),
            ("acme.s3.amazonaws.com", None),
            ("s3.eu-west-1.s3.amazonaws.com", None),
            ("acme.eu-west-1.amazonaws.com", None),
            ("acme.s3-accelerate.amazonaws.com", None),
            ("s3.eu-west-1.example.com", None),
            ("evil\u{1b}.s3.eu-west-x.amazonaws.com", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(region_of_host(host).as_deref(), region, "{host}");
        }
    }
}
