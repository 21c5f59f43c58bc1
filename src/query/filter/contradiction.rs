//! Terms that no request can pass together, whatever the data: `http_status:200 http_status:404`. A request has one value of
//! each field.

use std::fmt;

use super::{Filter, Matcher, Subject, Test};
use crate::log::Field;

/// Two terms of a filter that exclude each other. Its text is one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The first of them.
    pub first: Filter,
    /// The other one.
    pub second: Filter,
}

/// The first two terms of `filter` of which it is certain that they exclude each other. `None`: perhaps requests pass.
pub fn contradiction(filter: &Filter) -> Option<Contradiction> {
    let terms = filter.terms();
    for (index, first) in terms.iter().enumerate() {
        for second in terms.iter().skip(index + 1) {
            if exclude_each_other(first, second) {
                return Some(Contradiction { first: first.clone(), second: second.clone() });
            }
        }
    }
    None
}

/// Whether it is certain that no request passes both.
fn exclude_each_other(one: &Filter, other: &Filter) -> bool {
    match (one, other) {
        (Filter::Not(inner), term) | (term, Filter::Not(inner)) if **inner == *term => true,
        (Filter::Any(terms), term) | (term, Filter::Any(terms)) => {
            !terms.is_empty() && terms.iter().all(|of| exclude_each_other(of, term))
        }
        (Filter::Term(subject, test), Filter::Term(of, other)) => {
            subject == of && *subject != Subject::Anywhere && are_disjoint(test, other)
        }
        _ => false,
    }
}

/// Whether it is certain that no value passes both tests.
fn are_disjoint(one: &Test, other: &Test) -> bool {
    match (one, other) {
        (Test::Absent, Test::Absent) => false,
        (Test::Absent, _) | (_, Test::Absent) => true,
        (Test::Range(from, to), Test::Range(first, last)) => {
            let begins = (*from).max(*first);
            let ends = [*to, *last].into_iter().flatten().min();
            begins.zip(ends).is_some_and(|(begins, ends)| begins > ends)
        }
        (Test::Network(one), Test::Network(other)) => !one.contains(other) && !other.contains(one),
        (Test::Equals(text), test) | (test, Test::Equals(text)) => {
            Matcher::new(test).is_ok_and(|matcher| !matcher.is_match(Some(text.as_slice())))
        }
        _ => false,
    }
}

impl Contradiction {
    /// The filter for requests that pass one of both terms, if that is what the user may have meant.
    fn either(&self) -> Option<Filter> {
        let (Filter::Term(subject, one), Filter::Term(_, other)) = (&self.first, &self.second) else {
            return None;
        };
        let is_value = |test: &Test| match test {
            Test::Equals(_) | Test::Network(_) | Test::Absent => true,
            Test::Range(from, to) => from == to,
            _ => false,
        };
        let is_time = *subject == Subject::Field(Field::Time);
        (is_value(one) && is_value(other) && !is_time)
            .then(|| Filter::any([self.first.clone(), self.second.clone()]))
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "No request matches both {} and {}", self.first, self.second)?;
        match self.either() {
            Some(either) => write!(f, "; {either} matches either"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(filter: &str) -> Option<String> {
        contradiction(&Filter::parse(filter, 0).unwrap()).map(|found| found.to_string())
    }

    #[test]
    fn two_values_of_a_field_exclude_each_other() {
        assert_eq!(
            text("http_status:200 http_status:404").as_deref(),
            Some(
                "No request matches both http_status:200 and http_status:404; http_status:200,404 matches either"
            )
        );
        for filter in [
            "status:200 op:GET status>=400",
            "status:200,206 status:404,403",
            "key:a.txt key:b.txt",
            "key:media/*.mp4 key:media/a.jpg",
            "key~\"^a\" key:b",
            "ip:203.0.113.7 ip:198.51.100.0/24",
            "requester:- requester:role/etl",
            "op:GET -op:GET",
            "time:2026-04-01 time:2026-04-03",
            "bytes>10MB bytes<1MB",
        ] {
            assert!(text(filter).is_some(), "{filter}");
        }
    }

    #[test]
    fn terms_that_a_request_may_pass_are_no_contradiction() {
        for filter in [
            "",
            "status:200",
            "status:200 status:2xx",
            "status>=200 status<300",
            "key:media/* key:*.mp4",
            "key~\"^a\" key~\"b$\"",
            "ip:203.0.113.0/24 ip:203.0.113.7",
            "requester:role/etl requester:123456789012",
            "status:200 or status:404",
            "status:200 -status:404",
            "word other",
            "op:GET op:REST.GET.OBJECT",
        ] {
            assert_eq!(text(filter), None, "{filter}");
        }
    }
}
