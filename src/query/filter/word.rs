//! What a word may mean that is searched for in keys, addresses, requesters and user agents.

use super::{Filter, Subject, Test};
use crate::log::{error_code, method};

/// The term of a field that a word of `filter` is a value of: `status:403` for `403`, `error:AccessDenied` for `accessdenied`,
/// `op:GET` for `get`. A search for the word does not find it.
pub fn term_for_word(filter: &Filter) -> Option<String> {
    filter.terms().iter().find_map(|term| match term {
        Filter::Term(Subject::Anywhere, Test::Contains(word)) => meaning(word),
        _ => None,
    })
}

fn meaning(word: &str) -> Option<String> {
    let is_class = word.len() == 3 && word.get(1..).is_some_and(|rest| rest.eq_ignore_ascii_case("xx"));
    let is_status = word.len() == 3
        && word.starts_with(|digit: char| ('1'..='5').contains(&digit))
        && (is_class || word.bytes().all(|digit| digit.is_ascii_digit()));
    if is_status {
        return Some(format!("status:{}", word.to_ascii_lowercase()));
    }
    if let Some((code, _)) = error_code::known(word) {
        return Some(format!("error:{code}"));
    }
    let upper = word.to_ascii_uppercase();
    method::named(upper.as_bytes()).map(|_| format!("op:{upper}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_values_of_a_field() {
        let of = |text: &str| term_for_word(&Filter::parse(text, 0).unwrap());
        for (text, expected) in [
            ("403", Some("status:403")),
            ("ip:192.0.2.1 4XX", Some("status:4xx")),
            ("accessdenied", Some("error:AccessDenied")),
            ("get", Some("op:GET")),
            ("4031", None),
            ("703", None),
            ("\u{664}03", None),
            ("status:403", None),
            ("invoice", None),
        ] {
            assert_eq!(of(text).as_deref(), expected, "{text}");
            let named = expected.map(|term| Filter::parse(term, 0));
            assert!(named.is_none_or(|parsed| parsed.is_ok()), "{text}");
        }
    }
}
