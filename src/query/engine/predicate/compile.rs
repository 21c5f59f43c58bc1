//! Compiles the filter of a query to a tree of nodes. Tests on dimensions run here, once per distinct value.

use std::sync::Arc;

use hashbrown::HashSet;
use tokio_util::sync::CancellationToken;

use super::Node;
use super::id_sets::{IdSet, IdSets, IdTest};
use crate::cache::{Snapshot, code};
use crate::identity::host_names::KnownNames;
use crate::log::{Field, Kind, method};
use crate::query::cost::rules::is_client_request;
use crate::query::engine::groups::keys::GroupKeys;
use crate::query::engine::uri_columns::UriPart;
use crate::query::filter::{Filter, Matcher, Subject, Test};
use crate::query::{Counting, Dimension, Query, QueryError};

/// Compiles all conditions of a query except its sources.
pub(super) fn compile(
    query: &Query,
    snapshot: &Snapshot<'_>,
    sets: &IdSets,
    names: &KnownNames,
    cancel: &CancellationToken,
) -> Result<Node, QueryError> {
    let compiler = Compiler { snapshot, sets, names, cancel };
    let mut all = Vec::new();
    if query.time.start.is_some() || query.time.end.is_some() {
        let last = query.time.end.map(|end| end.saturating_sub(1));
        if query.time.end == Some(i64::MIN) {
            all.push(Node::Constant(false));
        }
        all.push(time_range(query.time.start, last));
    }
    if query.counting == Counting::Requests {
        let passes = |operation: Option<&[u8]>| operation.is_none_or(is_client_request);
        all.push(compiler.operations(IdTest::ClientRequest, passes)?);
    }
    all.push(compiler.filter(&query.filter)?);
    Ok(compiler.simplify(Node::All(all)))
}

/// Times from `first` to `last`, in seconds since the epoch.
fn time_range(first: Option<i64>, last: Option<i64>) -> Node {
    Node::Time(first.map_or(0, code::of_time), last.map_or(u64::MAX, code::of_time))
}

struct Compiler<'a> {
    snapshot: &'a Snapshot<'a>,
    sets: &'a IdSets,
    names: &'a KnownNames,
    cancel: &'a CancellationToken,
}

impl Compiler<'_> {
    fn filter(&self, filter: &Filter) -> Result<Node, QueryError> {
        Ok(match filter {
            Filter::All(all) => {
                Node::All(all.iter().map(|filter| self.filter(filter)).collect::<Result<_, _>>()?)
            }
            Filter::Any(any) => {
                let Alternatives { values, others } = alternatives(any);
                let values = values.iter().map(|(dimension, values)| self.any_of(dimension, values));
                let others = others.into_iter().map(|filter| self.filter(filter));
                Node::Any(values.chain(others).collect::<Result<_, _>>()?)
            }
            Filter::Not(not) => Node::Not(Box::new(self.filter(not)?)),
            Filter::Term(subject, test) => self.term(subject, test)?,
        })
    }

    /// The node that passes if a dimension has one of these values.
    fn any_of(&self, dimension: &Dimension, values: &[Option<&[u8]>]) -> Result<Node, QueryError> {
        if *dimension == Dimension::Method {
            let any = values
                .iter()
                .map(|value| self.method(&value.map_or(Test::Absent, |value| Test::Equals(value.to_vec()))));
            return Ok(Node::Any(any.collect::<Result<_, _>>()?));
        }
        let wanted: HashSet<Option<&[u8]>> = values.iter().copied().collect();
        let owned = values.iter().map(|value| value.map(<[u8]>::to_vec)).collect();
        self.dimension(dimension, IdTest::AnyOf(dimension.clone(), owned), |value| wanted.contains(&value))
    }

    /// The node that passes if the method passes a test: the method of the operation or, if it names none, of the
    /// request line.
    fn method(&self, test: &Test) -> Result<Node, QueryError> {
        let matcher = Matcher::new(test).map_err(QueryError::Invalid)?;
        let of_operation = |operation: Option<&[u8]>| operation.and_then(method::of_operation);
        let named = self.operations(IdTest::Method(test.clone()), |operation| {
            of_operation(operation).is_some_and(|method| matcher.is_match(Some(method)))
        })?;
        let unnamed = self.operations(IdTest::NoMethod, |operation| of_operation(operation).is_none())?;
        let by_line = Node::Uri(UriPart::Method, self.sets.uri_columns.clone(), Box::new(matcher));
        Ok(Node::Any(vec![named, Node::All(vec![unnamed, by_line])]))
    }

    fn operations(&self, test: IdTest, passes: impl Fn(Option<&[u8]>) -> bool) -> Result<Node, QueryError> {
        self.ids(Field::Operation, test, passes)
    }

    /// The node that passes if the value of a dimension passes a test.
    fn dimension(
        &self,
        dimension: &Dimension,
        test: IdTest,
        passes: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Node, QueryError> {
        if dimension.about().is_none() {
            return self.ids(dimension.base(), test, |value| passes(dimension.derive(value).as_deref()));
        }
        // A look-up takes longer than a test, so the groups of the addresses are kept.
        let (field, known) = (dimension.base(), &self.sets.derived_groups);
        let (groups, passing) =
            GroupKeys::passing(dimension, self.snapshot, known, self.names, self.cancel, passes)?;
        let passes = |id: u32, _: Option<&[u8]>| {
            groups.get(id as usize).and_then(|group| passing.get(*group as usize)).copied().unwrap_or(false)
        };
        let test = match dimension {
            Dimension::HostName => IdTest::WithNames(self.names.epoch(), Box::new(test)),
            _ => test,
        };
        Ok(Node::Ids(field, self.sets.get(self.snapshot, field, test, self.cancel, passes)?))
    }

    fn ids(
        &self,
        field: Field,
        test: IdTest,
        passes: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Node, QueryError> {
        let passes = |_: u32, value: Option<&[u8]>| passes(value);
        Ok(Node::Ids(field, self.sets.get(self.snapshot, field, test, self.cancel, passes)?))
    }

    fn term(&self, subject: &Subject, test: &Test) -> Result<Node, QueryError> {
        let matcher = Matcher::new(test).map_err(QueryError::Invalid)?;
        if matches!(subject, Subject::Field(field) if !field.is_stored()) {
            self.snapshot.expect_origins(self.cancel)?;
        }
        if let (Subject::Field(field), Test::Absent) = (subject, test)
            && field.kind() == Kind::Dimension
            && field.is_stored()
        {
            return Ok(Node::Ids(*field, self.sets.absent(self.snapshot, *field)));
        }
        let dimension_passes = |dimension: &Dimension| {
            let test = IdTest::Passes(dimension.clone(), test.clone());
            self.dimension(dimension, test, |value| matcher.is_match(value))
        };
        match subject {
            Subject::Anywhere => {
                let fields = [Field::Key, Field::RemoteIp, Field::Requester, Field::UserAgent];
                let any = fields.map(|field| dimension_passes(&Dimension::Field(field)));
                Ok(Node::Any(any.into_iter().collect::<Result<_, _>>()?))
            }
            Subject::Derived(dimension @ (Dimension::HourOfDay | Dimension::Weekday)) => {
                let passes = |part: &u32| matcher.is_match(Some(part.to_string().as_bytes()));
                let passing = (0..24).filter(passes).fold(0, |passing, part| passing | 1 << part);
                Ok(Node::TimePart(dimension.clone(), passing))
            }
            Subject::Derived(Dimension::QueryParam { name }) => {
                Ok(Node::Uri(UriPart::Param(name.clone()), self.sets.uri_columns.clone(), Box::new(matcher)))
            }
            Subject::Derived(Dimension::Method) => self.method(test),
            Subject::Derived(dimension) => dimension_passes(dimension),
            Subject::Field(field) => match field.kind() {
                Kind::Dimension => dimension_passes(&Dimension::Field(*field)),
                Kind::Detail => Ok(Node::Detail(*field, Box::new(matcher))),
                Kind::Time => match number_range(test) {
                    Some(NumberRange::Between(from, to)) => Ok(time_range(from, to)),
                    Some(NumberRange::Absent) => Ok(Node::Constant(false)),
                    None => Err(QueryError::Invalid(
                        "time takes instants and ranges of instants, not text".to_owned(),
                    )),
                },
                Kind::Measure => match number_range(test) {
                    Some(NumberRange::Between(from, to)) => {
                        let code = |number: i64| code::of_number(number.max(0) as u64);
                        Ok(match to {
                            Some(to) if to < 0 => Node::Constant(false),
                            to => Node::Number(*field, code(from.unwrap_or(0)), to.map_or(u64::MAX, code)),
                        })
                    }
                    Some(NumberRange::Absent) => Ok(Node::Number(*field, code::ABSENT, code::ABSENT)),
                    None => Err(QueryError::Invalid(format!("{} takes numbers, not text", field.name()))),
                },
            },
        }
    }
}

/// The alternatives of a filter: exact values by dimension, and other filters.
struct Alternatives<'f> {
    values: Vec<(Dimension, Vec<Option<&'f [u8]>>)>,
    others: Vec<&'f Filter>,
}

/// Collects exact values by dimension. The visible rows of a table are about thirty values of one dimension; thirty
/// tests would take thirty times as long as one set.
fn alternatives(any: &[Filter]) -> Alternatives<'_> {
    let mut values: Vec<(Dimension, Vec<Option<&[u8]>>)> = Vec::new();
    let mut others = Vec::new();
    for filter in any {
        let dimension = match filter {
            Filter::Term(Subject::Field(field), _) if field.kind() == Kind::Dimension => {
                Some(Dimension::Field(*field))
            }
            Filter::Term(Subject::Derived(dimension), _) => match dimension {
                Dimension::HourOfDay | Dimension::Weekday | Dimension::QueryParam { .. } => None,
                other => Some(other.clone()),
            },
            _ => None,
        };
        let value = match filter {
            Filter::Term(_, Test::Equals(value)) => Some(Some(value.as_slice())),
            Filter::Term(_, Test::Absent) => Some(None),
            _ => None,
        };
        match (dimension, value) {
            (Some(dimension), Some(value)) => match values.iter_mut().find(|(of, _)| *of == dimension) {
                Some((_, values)) => values.push(value),
                None => values.push((dimension, vec![value])),
            },
            _ => others.push(filter),
        }
    }
    Alternatives { values, others }
}

/// The numbers that pass a test.
enum NumberRange {
    /// The first and the last number; `None` is unbounded.
    Between(Option<i64>, Option<i64>),
    Absent,
}

/// The numbers that pass a test; `None` if it is a test of text.
fn number_range(test: &Test) -> Option<NumberRange> {
    match test {
        Test::Range(from, to) => Some(NumberRange::Between(*from, *to)),
        Test::Absent => Some(NumberRange::Absent),
        Test::Equals(text) => {
            let number = std::str::from_utf8(text).ok()?.parse().ok()?;
            Some(NumberRange::Between(Some(number), Some(number)))
        }
        _ => None,
    }
}

impl Compiler<'_> {
    fn simplify(&self, node: Node) -> Node {
        match node {
            Node::All(all) => self.simplify_many(all, true),
            Node::Any(any) => self.simplify_many(any, false),
            Node::Not(inner) => match self.simplify(*inner) {
                Node::Constant(value) => Node::Constant(!value),
                Node::Not(inner) => *inner,
                inner => Node::Not(Box::new(inner)),
            },
            // No value passes.
            Node::Ids(_, set) if set.is_empty() => Node::Constant(false),
            node => node,
        }
    }

    /// Simplifies a [`Node::All`], or a [`Node::Any`] if `is_all` is `false`.
    fn simplify_many(&self, nodes: Vec<Node>, is_all: bool) -> Node {
        let mut left = Vec::new();
        for node in nodes.into_iter().map(|node| self.simplify(node)) {
            match node {
                Node::Constant(value) if value == is_all => {}
                Node::Constant(value) => return Node::Constant(value),
                Node::All(inner) if is_all => left.extend(inner),
                node => left.push(node),
            }
        }
        let mut left = self.join_ids(left, is_all);
        if left.iter().any(|node| matches!(node, Node::Constant(value) if *value != is_all)) {
            return Node::Constant(!is_all);
        }
        left.retain(|node| !matches!(node, Node::Constant(_)));
        // Cheap nodes are evaluated first: they may make the expensive ones unnecessary.
        left.sort_by_key(Node::cost);
        match left.len() {
            0 => Node::Constant(is_all),
            1 => left.remove(0),
            _ if is_all => Node::All(left),
            _ => Node::Any(left),
        }
    }

    /// Makes one test of all tests of the ids of a field: the values that occur in a segment often show that none passes
    /// all tests, while each test has values that pass.
    fn join_ids(&self, nodes: Vec<Node>, is_all: bool) -> Vec<Node> {
        /// The id sets of the tests of a field, and whether the values that pass are in them.
        type IdTests = Vec<(Arc<IdSet>, bool)>;
        let mut tests: Vec<(Field, IdTests)> = Vec::new();
        let mut joined = Vec::new();
        for node in nodes {
            let (field, set, is_in) = match node {
                Node::Ids(field, set) => (field, set, true),
                Node::Not(inner) => match *inner {
                    Node::Ids(field, set) => (field, set, false),
                    inner => {
                        joined.push(Node::Not(Box::new(inner)));
                        continue;
                    }
                },
                node => {
                    joined.push(node);
                    continue;
                }
            };
            match tests.iter_mut().find(|(of, _)| *of == field) {
                Some((_, parts)) => parts.push((set, is_in)),
                None => tests.push((field, vec![(set, is_in)])),
            }
        }
        for (field, parts) in tests {
            joined.push(match parts.as_slice() {
                [(set, true)] => Node::Ids(field, set.clone()),
                [(set, false)] => Node::Not(Box::new(Node::Ids(field, set.clone()))),
                parts => self.simplify(Node::Ids(field, self.sets.joined(field, is_all, parts))),
            });
        }
        joined
    }
}

impl Node {
    /// Relative cost of evaluating a block.
    fn cost(&self) -> u32 {
        match self {
            Node::Constant(_) => 0,
            Node::Ids(..) => 1,
            Node::Time(..) | Node::Number(..) => 2,
            Node::TimePart(..) => 4,
            Node::Uri(..) => 900,
            Node::Detail(..) => 1000,
            Node::All(inner) | Node::Any(inner) => inner.iter().map(Node::cost).sum(),
            Node::Not(inner) => inner.cost(),
        }
    }
}
