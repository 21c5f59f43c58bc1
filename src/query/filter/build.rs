//! Building and taking apart filters, for drill-down, filter chips and the "only this" and "not this" commands.

use super::{Filter, Subject, Test};
use crate::log::{Field, ValueType};
use crate::query::{Dimension, TimeRange, Value};

impl Default for Filter {
    /// [`Filter::everything`].
    fn default() -> Filter {
        Filter::everything()
    }
}

impl Filter {
    /// The filter that every request passes.
    pub fn everything() -> Filter {
        Filter::All(Vec::new())
    }

    /// Whether this is [`Filter::everything`]. Other filters may pass every request, too.
    pub fn is_everything(&self) -> bool {
        matches!(self, Filter::All(terms) if terms.is_empty())
    }

    /// The conjunction of `filters`. Nested conjunctions are flattened.
    pub fn all(filters: impl IntoIterator<Item = Filter>) -> Filter {
        let mut terms: Vec<Filter> = filters.into_iter().flat_map(Filter::into_terms).collect();
        if terms.len() == 1 { terms.remove(0) } else { Filter::All(terms) }
    }

    /// The disjunction of `filters`. Nested disjunctions are flattened. Without filters, no request passes.
    pub fn any(filters: impl IntoIterator<Item = Filter>) -> Filter {
        let mut terms = Vec::new();
        for filter in filters {
            match filter {
                Filter::Any(inner) => terms.extend(inner),
                other => terms.push(other),
            }
        }
        match terms.len() {
            0 => Filter::Not(Box::default()),
            1 => terms.remove(0),
            _ => Filter::Any(terms),
        }
    }

    /// The negation.
    #[must_use]
    pub fn negated(self) -> Filter {
        match self {
            Filter::Not(inner) => *inner,
            other => Filter::Not(Box::new(other)),
        }
    }

    /// The filter for one group: requests whose `dimension` has this `value`.
    pub fn term_for(dimension: &Dimension, value: &Value) -> Filter {
        let subject = match dimension {
            Dimension::Field(field) => Subject::Field(*field),
            derived => Subject::Derived(derived.clone()),
        };
        let is_number = match dimension {
            Dimension::Field(field) => {
                matches!(field.spec().value, ValueType::Integer | ValueType::Instant)
            }
            derived => matches!(derived, Dimension::HourOfDay | Dimension::Weekday),
        };
        let test = match value {
            Value::Absent => Test::Absent,
            Value::Integer(number) if is_number => Test::Range(Some(*number), Some(*number)),
            Value::Integer(class) if *dimension == Dimension::StatusClass => {
                Test::Equals(format!("{class}xx").into_bytes())
            }
            Value::Integer(number) => Test::Equals(number.to_string().into_bytes()),
            Value::Text(text) => Test::Equals(text.to_vec()),
        };
        Filter::Term(subject, test)
    }

    /// The filter for a time range.
    pub fn within(range: TimeRange) -> Filter {
        if range == TimeRange::default() {
            return Filter::everything();
        }
        let last = range.end.map(|end| end.saturating_sub(1));
        Filter::Term(Subject::Field(Field::Time), Test::Range(range.start, last))
    }

    /// The conjunction with `other`. Conditions that both filters have are kept once.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        let mut terms = self.into_terms();
        for term in other.into_terms() {
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        Filter::all(terms)
    }

    /// The conditions that must all hold. The explorer shows one chip for each.
    pub fn terms(&self) -> &[Filter] {
        match self {
            Filter::All(terms) => terms,
            other => std::slice::from_ref(other),
        }
    }

    /// The filter without condition `index` of [`Filter::terms`].
    #[must_use]
    pub fn without(&self, index: usize) -> Filter {
        let others = self.terms().iter().enumerate().filter(|(at, _)| *at != index);
        Filter::all(others.map(|(_, term)| term.clone()))
    }

    /// Whether a term tests this derived dimension.
    pub fn tests(&self, dimension: &Dimension) -> bool {
        match self {
            Filter::All(inner) | Filter::Any(inner) => inner.iter().any(|filter| filter.tests(dimension)),
            Filter::Not(inner) => inner.tests(dimension),
            Filter::Term(subject, _) => matches!(subject, Subject::Derived(of) if of == dimension),
        }
    }

    /// A filter without tests of this derived dimension. It passes every request that could pass this filter, whatever the
    /// value of the dimension.
    #[must_use]
    pub fn for_any(&self, dimension: &Dimension) -> Filter {
        self.for_any_value(dimension, true)
    }

    /// `passes`: whether a term about the dimension passes every request, or none.
    fn for_any_value(&self, dimension: &Dimension, passes: bool) -> Filter {
        let each = |filters: &[Filter]| -> Vec<Filter> {
            filters.iter().map(|filter| filter.for_any_value(dimension, passes)).collect()
        };
        let nothing = Filter::everything().negated();
        match self {
            Filter::All(inner) => match each(inner) {
                all if all.contains(&nothing) => nothing,
                all => Filter::all(all),
            },
            Filter::Any(inner) => match each(inner) {
                any if any.iter().any(Filter::is_everything) => Filter::everything(),
                any => Filter::any(any.into_iter().filter(|filter| *filter != nothing)),
            },
            Filter::Not(inner) => inner.for_any_value(dimension, !passes).negated(),
            Filter::Term(Subject::Derived(of), _) if of == dimension => match passes {
                true => Filter::everything(),
                false => nothing,
            },
            term @ Filter::Term(..) => term.clone(),
        }
    }

    /// An equivalent filter without needless nesting. [`Filter::parse`] returns simplified filters.
    #[must_use]
    pub fn simplified(&self) -> Filter {
        match self {
            Filter::All(terms) => Filter::all(terms.iter().map(Filter::simplified)),
            Filter::Any(terms) => Filter::any(terms.iter().map(Filter::simplified)),
            Filter::Not(inner) => inner.simplified().negated(),
            term @ Filter::Term(..) => term.clone(),
        }
    }

    fn into_terms(self) -> Vec<Filter> {
        match self {
            Filter::All(terms) => terms,
            other => vec![other],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: i64) -> Filter {
        Filter::term_for(&Dimension::Field(Field::HttpStatus), &Value::Integer(code))
    }

    #[test]
    fn the_filter_for_a_group_tests_its_value() {
        let key = Dimension::Field(Field::Key);
        let term = |test| Filter::Term(Subject::Field(Field::Key), test);
        assert_eq!(Filter::term_for(&key, &Value::from("a*b")), term(Test::Equals(b"a*b".to_vec())));
        assert_eq!(Filter::term_for(&key, &Value::Absent), term(Test::Absent));
        assert_eq!(
            Filter::term_for(&Dimension::StatusClass, &Value::Integer(4)),
            Filter::Term(Subject::Derived(Dimension::StatusClass), Test::Equals(b"4xx".to_vec()))
        );
        assert_eq!(
            Filter::term_for(&Dimension::HourOfDay, &Value::Integer(3)),
            Filter::Term(Subject::Derived(Dimension::HourOfDay), Test::Range(Some(3), Some(3)))
        );
    }

    #[test]
    fn conditions_can_be_added_and_removed_one_by_one() {
        let filter = Filter::everything().and(status(403)).and(status(404).negated()).and(status(403));
        assert_eq!(filter.terms(), [status(403), status(404).negated()]);
        assert_eq!(filter.without(0), status(404).negated());
        assert_eq!(filter.without(0).without(0), Filter::everything());
        assert_eq!(filter.without(7), filter);
        assert!(Filter::everything().terms().is_empty());
    }

    #[test]
    fn a_double_negation_cancels_out() {
        assert_eq!(status(403).negated().negated(), status(403));
    }

    #[test]
    fn a_filter_for_any_value_of_a_dimension_passes_all_that_could_pass() {
        for (text, expected) in [
            ("host_name:a.example", ""),
            ("-host_name:a.example", ""),
            ("status:404 host_name*=example", "status:404"),
            ("status:404 -(host_name:a.example op:GET)", "status:404"),
            ("-(host_name:a.example or status:404)", "-status:404"),
            ("host_name:a.example or status:404", ""),
            ("status:404 or ip:192.0.2.1", "status:404 or ip:192.0.2.1"),
        ] {
            let [filter, expected] = [text, expected].map(|text| Filter::parse(text, 0).unwrap());
            assert_eq!(filter.for_any(&Dimension::HostName).simplified(), expected, "{text}");
            assert_eq!(filter.tests(&Dimension::HostName), text.contains("host_name"), "{text}");
        }
    }

    #[test]
    fn a_time_range_excludes_its_end() {
        let range = TimeRange { start: Some(60), end: Some(120) };
        assert_eq!(
            Filter::within(range),
            Filter::Term(Subject::Field(Field::Time), Test::Range(Some(60), Some(119)))
        );
        assert!(Filter::within(TimeRange::default()).is_everything());
    }
}
