//! The HTTP methods of operations and request lines.

/// The methods of requests to S3 and similar servers. S3 logs a `PUT` that copies as `COPY`.
pub const METHODS: [&[u8]; 10] =
    [b"GET", b"PUT", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"COPY"];

/// The method that a word is; `None` if it is not a method.
pub fn named(word: &[u8]) -> Option<&'static [u8]> {
    METHODS.into_iter().find(|method| *method == word)
}

/// The method that an operation names: `REST.GET.OBJECT`, `GET.OBJECT`, `GET` and `s3_GetObject` are all `GET`.
/// `None` if it names no method, as `WEBSITE.INVALIDOPERATION`.
pub fn of_operation(operation: &[u8]) -> Option<&'static [u8]> {
    let mut parts = operation.split(|byte| *byte == b'.');
    parts.by_ref().take(2).find_map(named).or_else(|| {
        let action = operation.strip_prefix(b"s3_").or_else(|| operation.strip_prefix(b"s3:"))?;
        of_action(action)
    })
}

/// Whether an operation is named as an action, with a verb and an object: `GetObject`, `get_obj`.
pub fn is_action(operation: &[u8]) -> bool {
    const VERBS: [&[u8]; 11] = [
        b"get", b"list", b"put", b"copy", b"create", b"upload", b"head", b"delete", b"abort", b"options",
        b"post",
    ];
    let begins_object =
        |rest: &[u8]| matches!(rest, [b'_', b'a'..=b'z', ..] | [b'A'..=b'Z', b'a'..=b'z', ..]);
    let has_verb = |verb: &[u8]| {
        let (start, rest) = operation.split_at_checked(verb.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(verb) && begins_object(rest)
    };
    operation.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && VERBS.into_iter().any(has_verb)
}

/// The method of an action of the S3 API.
fn of_action(action: &[u8]) -> Option<&'static [u8]> {
    const POST_ACTIONS: [&[u8]; 7] = [
        b"CreateMultipartUpload",
        b"CompleteMultipartUpload",
        b"DeleteObjects",
        b"PostObject",
        b"RestoreObject",
        b"SelectObjectContent",
        b"WriteGetObjectResponse",
    ];
    const VERBS: [(&[u8], &[&[u8]]); 5] = [
        (b"GET", &[b"Get", b"List"]),
        (b"PUT", &[b"Put", b"Copy", b"Create", b"Upload"]),
        (b"HEAD", &[b"Head"]),
        (b"DELETE", &[b"Delete", b"Abort"]),
        (b"OPTIONS", &[b"Options"]),
    ];
    if POST_ACTIONS.contains(&action) {
        return Some(b"POST");
    }
    let begins_with_one = |verbs: &[&[u8]]| verbs.iter().any(|verb| action.starts_with(verb));
    VERBS.into_iter().find(|(_, verbs)| begins_with_one(verbs)).map(|(method, _)| method)
}

/// The method of a request line: its first word, if that is a method.
pub fn of_request_line(uri: &[u8]) -> Option<&'static [u8]> {
    named(uri.split(|byte| *byte == b' ').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_name_their_method_in_several_places() {
        for (operation, method) in [
            ("REST.GET.OBJECT", Some("GET")),
            ("WEBSITE.HEAD.OBJECT", Some("HEAD")),
            ("BATCH.DELETE.OBJECT", Some("DELETE")),
            ("REST.COPY.OBJECT_GET", Some("COPY")),
            ("GET.OBJECT", Some("GET")),
            ("PUT", Some("PUT")),
            ("s3_GetObject", Some("GET")),
            ("s3_ListObjectsV2", Some("GET")),
            ("s3_DeleteObjects", Some("POST")),
            ("s3:AbortMultipartUpload", Some("DELETE")),
            ("REST.OBJECT", None),
            ("WEBSITE.INVALIDOPERATION", None),
            ("S3.EXPIRE.OBJECT", None),
            ("SOAP.GetObject", None),
            ("admin_CreateUser", None),
            ("LIST", None),
            ("REST.OBJECT.GET", None),
            ("", None),
        ] {
            assert_eq!(of_operation(operation.as_bytes()), method.map(str::as_bytes), "{operation}");
        }
    }

    #[test]
    fn a_request_line_begins_with_its_method() {
        for (uri, method) in [
            ("PATCH /a HTTP/1.1", Some("PATCH")),
            ("POST /index.html", Some("POST")),
            ("/media/a.jpg", None),
            ("BREW /pot HTTP/1.1", None),
            ("get /a", None),
            ("", None),
        ] {
            assert_eq!(of_request_line(uri.as_bytes()), method.map(str::as_bytes), "{uri}");
        }
    }
}
