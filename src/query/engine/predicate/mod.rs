//! A filter made ready for columns: tests run once per dictionary value, rows are only looked up.

mod bounds;
mod id_sets;

use std::collections::HashSet;
use std::sync::Arc;

use crate::cache::{BLOCK, CacheError, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, Kind, method};
use crate::query::filter::{Filter, Matcher, Subject, Test};
use crate::query::{Counting, Dimension, Query, QueryError};
use tokio_util::sync::CancellationToken;

use crate::query::engine::uri_params::{OfUri, Params};

pub use bounds::Passes;
pub use id_sets::{IdSet, IdSets};

use bounds::range_passes;

/// Rows of a block that pass, a bit each.
pub type Mask = u128;

/// Blocks of rows folded between two looks at whether the question still stands.
const LOOK_EVERY: usize = 64;

#[derive(Debug)]
enum Node {
    Constant(bool),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Ids(Field, Arc<IdSet>),
    /// Codes of the column of times, both included.
    Time(u64, u64),
    /// Which hours (0–23) or weekdays (1–7) pass.
    TimePart(Dimension, u32),
    /// Numbers of a measure as stored (0 absent, else + 1), both included.
    Number(Field, u64, u64),
    Detail(Field, Box<Matcher>),
    /// A parameter of the query.
    Param(OfUri, Arc<Params>, Box<Matcher>),
}

/// A filter, a time range and a way of counting, made ready.
#[derive(Debug)]
pub struct Predicate {
    root: Node,
    /// Numbers of the sources asked about; `None`: all.
    sources: Option<Vec<i64>>,
    cancel: CancellationToken,
}

impl Predicate {
    /// Makes it ready for a snapshot.
    pub fn new(
        query: &Query,
        snapshot: &Snapshot<'_>,
        sets: &IdSets,
        cancel: &CancellationToken,
    ) -> Result<Predicate, QueryError> {
        let sources = (!query.sources.is_empty()).then(|| {
            let wanted = snapshot.sources.iter().filter(|(_, uri)| query.sources.contains(uri));
            wanted.map(|(id, _)| *id).collect()
        });
        let mut all = Vec::new();
        if query.time.start.is_some() || query.time.end.is_some() {
            let end = query.time.end.map(|end| end.saturating_sub(1));
            if query.time.end == Some(i64::MIN) {
                all.push(Node::Constant(false));
            }
            all.push(time(query.time.start, end));
        }
        if query.counting == Counting::Requests {
            let set = sets.get(snapshot, Field::Operation, "counted".to_owned(), cancel, |operation| {
                operation.is_none_or(is_request)
            })?;
            all.push(Node::Ids(Field::Operation, set));
        }
        all.push(compile(&query.filter, &Compiling { snapshot, sets, cancel })?);
        Ok(Predicate { root: simplify(Node::All(all)), sources, cancel: cancel.clone() })
    }

    /// Whether nobody waits for the answer any more: to be asked every [`LOOK_EVERY`] blocks.
    ///
    /// # Errors
    /// [`QueryError::Cancelled`] then.
    pub fn look_at(&self, block: usize) -> Result<(), QueryError> {
        if block.is_multiple_of(LOOK_EVERY) && self.cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        Ok(())
    }

    /// Whether a segment is of a source that is asked about.
    pub fn is_asked(&self, segment: &SegmentInfo) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(&segment.source))
    }

    /// Whether every request of the sources asked about passes.
    pub fn is_everything(&self) -> bool {
        matches!(self.root, Node::Constant(true))
    }

    /// First and last instant that a request that passes can have, as far as the conditions on time say.
    pub fn times(&self) -> (i64, i64) {
        let (first, last) = self.root.times();
        (Snapshot::time_of(first), Snapshot::time_of(last))
    }

    /// How many rows of a segment can pass, by what is said of time, if they are spread evenly over it.
    pub fn rows_in_time(&self, segment: &SegmentInfo) -> f64 {
        let (from, to) = self.times();
        let span = |from: i64, to: i64| (to as f64 - from as f64 + 1.0).max(0.0);
        let within = span(segment.time_min.max(from), segment.time_max.min(to));
        segment.rows as f64 * within / span(segment.time_min, segment.time_max).max(1.0)
    }

    /// What can be told of a segment from its bounds.
    pub fn passes(&self, segment: &SegmentInfo, snapshot: &Snapshot<'_>) -> Result<Passes, CacheError> {
        if !self.is_asked(segment) {
            return Ok(Passes::None);
        }
        self.root.passes(segment, snapshot)
    }

    /// Reads what it takes to decide on single rows of a segment.
    pub fn open<'p>(
        &'p self,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
    ) -> Result<OpenPredicate<'p>, CacheError> {
        OpenPredicate::open(&self.root, segment, snapshot, &self.cancel)
    }
}

/// What is at hand while a filter is made ready.
struct Compiling<'a> {
    snapshot: &'a Snapshot<'a>,
    sets: &'a IdSets,
    cancel: &'a CancellationToken,
}

/// Records that somebody asked for by themselves (ACCESS-LOG: copies log a second record for what they
/// read, multi-deletes one per key, lifecycle acts by itself).
fn is_request(operation: &[u8]) -> bool {
    let is_part = operation == b"BATCH.DELETE.OBJECT"
        || (operation.ends_with(b"_GET") && memchr::memmem::find(operation, b".COPY.").is_some());
    !is_part && !operation.starts_with(b"S3.")
}

fn time(from: Option<i64>, to: Option<i64>) -> Node {
    Node::Time(from.map_or(0, Snapshot::code_of), to.map_or(u64::MAX, Snapshot::code_of))
}

fn compile(filter: &Filter, with: &Compiling<'_>) -> Result<Node, QueryError> {
    Ok(match filter {
        Filter::All(all) => {
            Node::All(all.iter().map(|filter| compile(filter, with)).collect::<Result<_, _>>()?)
        }
        Filter::Any(any) => {
            let (values, others) = values_of_dimensions(any);
            let mut nodes = Vec::with_capacity(others.len() + values.len());
            for (dimension, values) in values {
                nodes.push(one_of(&dimension, &values, with)?);
            }
            for filter in others {
                nodes.push(compile(filter, with)?);
            }
            Node::Any(nodes)
        }
        Filter::Not(not) => Node::Not(Box::new(compile(not, with)?)),
        Filter::Term(subject, test) => term(subject, test, with)?,
    })
}

/// Exact values by their dimension, and what else there is among alternatives: the rows in sight of a table
/// are thirty values of one dimension, and to look for each by itself would take thirty times as long.
#[allow(clippy::type_complexity)] // two lists
fn values_of_dimensions(any: &[Filter]) -> (Vec<(Dimension, Vec<Option<&[u8]>>)>, Vec<&Filter>) {
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
    (values, others)
}

/// One of these values of a dimension.
fn one_of(dimension: &Dimension, values: &[Option<&[u8]>], with: &Compiling<'_>) -> Result<Node, QueryError> {
    let wanted: HashSet<Option<&[u8]>> = values.iter().copied().collect();
    let name = format!("{dimension:?} one of {values:?}");
    let base = dimension.base();
    if *dimension == Dimension::Method {
        let any = values.iter().map(|value| {
            let test = value.map_or(Test::Absent, |value| Test::Equals(value.to_vec()));
            method_is(&test, with)
        });
        return Ok(Node::Any(any.collect::<Result<_, _>>()?));
    }
    let set = with.sets.get(with.snapshot, base, name, with.cancel, |value| {
        wanted.contains(&dimension.derive(value).as_deref())
    })?;
    Ok(Node::Ids(base, set))
}

/// What is said of the method: of that of the operation, or, if it names none, of that of the request line.
fn method_is(test: &Test, with: &Compiling<'_>) -> Result<Node, QueryError> {
    let Compiling { snapshot, sets, cancel } = with;
    let matcher = Matcher::new(test).map_err(QueryError::Invalid)?;
    let operations =
        |name: String, is_one: &dyn Fn(Option<&'static [u8]>) -> bool| -> Result<Node, QueryError> {
            let set = sets.get(snapshot, Field::Operation, name, cancel, |operation| {
                is_one(operation.and_then(method::of_operation))
            })?;
            Ok(Node::Ids(Field::Operation, set))
        };
    let named =
        operations(format!("method {test:?}"), &|method| method.is_some() && matcher.is_match(method))?;
    let unnamed = operations("no method".to_owned(), &|method| method.is_none())?;
    let by_line = Node::Param(OfUri::Method, sets.params.clone(), Box::new(matcher));
    Ok(Node::Any(vec![named, Node::All(vec![unnamed, by_line])]))
}

fn term(subject: &Subject, test: &Test, with: &Compiling<'_>) -> Result<Node, QueryError> {
    let matcher = Matcher::new(test).map_err(QueryError::Invalid)?;
    let Compiling { snapshot, sets, cancel } = with;
    let ids = |base: Field, dimension: &Dimension| -> Result<Node, QueryError> {
        let name = format!("{dimension:?} {test:?}");
        let set = sets.get(snapshot, base, name, cancel, |value| {
            matcher.is_match(dimension.derive(value).as_deref())
        })?;
        Ok(Node::Ids(base, set))
    };
    match subject {
        Subject::Anywhere => {
            let fields = [Field::Key, Field::RemoteIp, Field::Requester, Field::UserAgent];
            let any = fields.map(|field| ids(field, &Dimension::Field(field)));
            Ok(Node::Any(any.into_iter().collect::<Result<_, _>>()?))
        }
        Subject::Derived(dimension @ (Dimension::HourOfDay | Dimension::Weekday)) => {
            let mut passing = 0u32;
            for part in 0..24i64 {
                if matcher.is_match(Some(part.to_string().as_bytes())) {
                    passing |= 1 << part;
                }
            }
            Ok(Node::TimePart(dimension.clone(), passing))
        }
        Subject::Derived(Dimension::QueryParam { name }) => {
            Ok(Node::Param(OfUri::Param(name.clone()), sets.params.clone(), Box::new(matcher)))
        }
        Subject::Derived(Dimension::Method) => method_is(test, with),
        Subject::Derived(dimension) => ids(dimension.base(), dimension),
        Subject::Field(field) => match field.kind() {
            Kind::Dimension => ids(*field, &Dimension::Field(*field)),
            Kind::Detail => Ok(Node::Detail(*field, Box::new(matcher))),
            Kind::Time => match number_range(test) {
                Some(Some((from, to))) => Ok(time(from, to)),
                Some(None) => Ok(Node::Constant(false)),
                None => {
                    Err(QueryError::Invalid("time takes instants and ranges of them, not text".to_owned()))
                }
            },
            Kind::Measure => match number_range(test) {
                Some(Some((from, to))) => {
                    let stored = |number: i64| if number < 0 { 0 } else { number as u64 + 1 };
                    Ok(match to {
                        Some(to) if to < 0 => Node::Constant(false),
                        to => {
                            Node::Number(*field, from.map_or(1, stored).max(1), to.map_or(u64::MAX, stored))
                        }
                    })
                }
                Some(None) => Ok(Node::Number(*field, 0, 0)),
                None => Err(QueryError::Invalid(format!("{} takes numbers, not text", field.name()))),
            },
        },
    }
}

/// The numbers a test lets through: `Some(None)` is "absent", `None` that it is no test for numbers.
#[allow(clippy::type_complexity)] // a range with two open ends is what it is
fn number_range(test: &Test) -> Option<Option<(Option<i64>, Option<i64>)>> {
    match test {
        Test::Range(from, to) => Some(Some((*from, *to))),
        Test::Absent => Some(None),
        Test::Equals(text) => {
            let number = std::str::from_utf8(text).ok()?.parse().ok()?;
            Some(Some((Some(number), Some(number))))
        }
        _ => None,
    }
}

fn simplify(node: Node) -> Node {
    match node {
        Node::All(all) => {
            let mut left = Vec::new();
            for node in all.into_iter().map(simplify) {
                match node {
                    Node::Constant(true) => {}
                    Node::Constant(false) => return Node::Constant(false),
                    Node::All(inner) => left.extend(inner),
                    node => left.push(node),
                }
            }
            // What is cheap decides first; reading details is dear.
            left.sort_by_key(Node::cost);
            match left.len() {
                0 => Node::Constant(true),
                1 => left.remove(0),
                _ => Node::All(left),
            }
        }
        Node::Any(any) => {
            let mut left = Vec::new();
            for node in any.into_iter().map(simplify) {
                match node {
                    Node::Constant(false) => {}
                    Node::Constant(true) => return Node::Constant(true),
                    node => left.push(node),
                }
            }
            left.sort_by_key(Node::cost);
            match left.len() {
                0 => Node::Constant(false),
                1 => left.remove(0),
                _ => Node::Any(left),
            }
        }
        Node::Not(inner) => match simplify(*inner) {
            Node::Constant(value) => Node::Constant(!value),
            Node::Not(inner) => *inner,
            inner => Node::Not(Box::new(inner)),
        },
        node => node,
    }
}

impl Node {
    fn cost(&self) -> u32 {
        match self {
            Node::Constant(_) => 0,
            Node::Ids(..) => 1,
            Node::Time(..) | Node::Number(..) => 2,
            Node::TimePart(..) => 4,
            Node::Detail(..) => 1000,
            Node::Param(..) => 900,
            Node::All(inner) | Node::Any(inner) => inner.iter().map(Node::cost).sum(),
            Node::Not(inner) => inner.cost(),
        }
    }
}

/// A predicate with the columns of one segment in hand.
pub enum OpenPredicate<'p> {
    Constant(bool),
    All(Vec<OpenPredicate<'p>>),
    Any(Vec<OpenPredicate<'p>>),
    Not(Box<OpenPredicate<'p>>),
    Ids(Arc<Integers>, &'p IdSet),
    Range(Arc<Integers>, u64, u64),
    TimePart(Arc<Integers>, &'p Dimension, u32),
    /// Whether each row passes, found out when first asked.
    Detail(DetailTest<'p>),
}

/// Where the texts come from.
enum DetailOf<'p> {
    Field(Field),
    Param(&'p OfUri, &'p Params),
}

/// A test on a column of text.
pub struct DetailTest<'p> {
    segment: SegmentInfo,
    snapshot: &'p Snapshot<'p>,
    of: DetailOf<'p>,
    matcher: &'p Matcher,
    cancel: &'p CancellationToken,
    masks: std::cell::OnceCell<Result<Vec<Mask>, QueryError>>,
}

impl<'p> OpenPredicate<'p> {
    fn open(
        node: &'p Node,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
        cancel: &'p CancellationToken,
    ) -> Result<OpenPredicate<'p>, CacheError> {
        let open = |node: &'p Node| OpenPredicate::open(node, segment, snapshot, cancel);
        let open_all = |nodes: &'p [Node]| nodes.iter().map(open).collect::<Result<_, _>>();
        let detail = |of: DetailOf<'p>, matcher: &'p Matcher| {
            let masks = std::cell::OnceCell::new();
            OpenPredicate::Detail(DetailTest { segment: *segment, snapshot, of, matcher, cancel, masks })
        };
        Ok(match node.passes(segment, snapshot)? {
            Passes::None => OpenPredicate::Constant(false),
            Passes::All => OpenPredicate::Constant(true),
            Passes::Some => match node {
                Node::Constant(value) => OpenPredicate::Constant(*value),
                Node::All(all) => OpenPredicate::All(open_all(all)?),
                Node::Any(any) => OpenPredicate::Any(open_all(any)?),
                Node::Not(inner) => OpenPredicate::Not(Box::new(open(inner)?)),
                Node::Ids(field, set) => OpenPredicate::Ids(snapshot.integers(segment, *field)?, set),
                Node::Time(from, to) => {
                    OpenPredicate::Range(snapshot.integers(segment, Field::Time)?, *from, *to)
                }
                Node::Number(field, from, to) => {
                    OpenPredicate::Range(snapshot.integers(segment, *field)?, *from, *to)
                }
                Node::TimePart(dimension, parts) => {
                    OpenPredicate::TimePart(snapshot.integers(segment, Field::Time)?, dimension, *parts)
                }
                Node::Detail(field, matcher) => detail(DetailOf::Field(*field), matcher),
                Node::Param(of, params, matcher) => detail(DetailOf::Param(of, params), matcher),
            },
        })
    }

    /// Which rows of a block pass; bits beyond the last row mean nothing.
    pub fn block(&self, block: usize) -> Result<Mask, QueryError> {
        Ok(match self {
            OpenPredicate::Constant(true) => Mask::MAX,
            OpenPredicate::Constant(false) => 0,
            OpenPredicate::All(all) => {
                let mut mask = Mask::MAX;
                for node in all {
                    mask &= node.block(block)?;
                    if mask == 0 {
                        break;
                    }
                }
                mask
            }
            OpenPredicate::Any(any) => {
                let mut mask = 0;
                for node in any {
                    mask |= node.block(block)?;
                    if mask == Mask::MAX {
                        break;
                    }
                }
                mask
            }
            OpenPredicate::Not(inner) => !inner.block(block)?,
            OpenPredicate::Ids(column, set) => {
                let (low, high) = column.block_range(block);
                if high - low < 512 {
                    let span = (high - low) as u32 + 1;
                    match set.count(low as u32, high as u32) {
                        0 => return Ok(0),
                        count if count == span => return Ok(Mask::MAX),
                        _ => {}
                    }
                }
                let mut ids = [0u32; BLOCK];
                column.unpack_u32(block, &mut ids);
                mask_of(|row| set.has(ids[row]))
            }
            OpenPredicate::Range(column, from, to) => {
                let (low, high) = column.block_range(block);
                match range_passes(low, high, *from, *to) {
                    Passes::None => 0,
                    Passes::All => Mask::MAX,
                    Passes::Some => {
                        let mut numbers = [0u64; BLOCK];
                        column.unpack_u64(block, &mut numbers);
                        mask_of(|row| (*from <= numbers[row]) & (numbers[row] <= *to))
                    }
                }
            }
            OpenPredicate::TimePart(column, dimension, parts) => {
                let mut codes = [0u64; BLOCK];
                column.unpack_u64(block, &mut codes);
                mask_of(|row| {
                    let part = dimension.of_time(Snapshot::time_of(codes[row])).unwrap_or(0);
                    parts >> part & 1 != 0
                })
            }
            OpenPredicate::Detail(test) => test.block(block)?,
        })
    }
}

/// The rows of a block that pass a test without branches.
#[inline]
pub fn mask_of(passes: impl Fn(usize) -> bool) -> Mask {
    let mut words = [0u64; 2];
    for (half, word) in words.iter_mut().enumerate() {
        for bit in 0..64 {
            *word |= u64::from(passes(half * 64 + bit)) << bit;
        }
    }
    Mask::from(words[0]) | Mask::from(words[1]) << 64
}

impl DetailTest<'_> {
    fn block(&self, block: usize) -> Result<Mask, QueryError> {
        match self.masks.get_or_init(|| self.run()) {
            Ok(masks) => Ok(masks[block]),
            Err(QueryError::Cancelled) => Err(QueryError::Cancelled),
            Err(error) => Err(QueryError::Invalid(error.to_string())),
        }
    }

    fn run(&self) -> Result<Vec<Mask>, QueryError> {
        let DetailTest { segment, snapshot, matcher, cancel, .. } = self;
        let mut masks = vec![0; segment.rows.div_ceil(BLOCK)];
        match self.of {
            DetailOf::Field(field) => snapshot.for_each_text(segment, field, cancel, |row, text| {
                if matcher.is_match(text) {
                    masks[row / BLOCK] |= 1 << (row % BLOCK);
                }
            })?,
            DetailOf::Param(of, params) => {
                let column = params.get(of, segment, snapshot, cancel)?;
                let mut passing = IdSet::default();
                passing.push(matcher.is_match(None));
                column.values.iter().for_each(|value| passing.push(matcher.is_match(Some(value))));
                let mut ids = [0u32; BLOCK];
                for (block, mask) in masks.iter_mut().enumerate() {
                    column.ids.unpack_u32(block, &mut ids);
                    *mask = mask_of(|row| passing.has(ids[row]));
                }
            }
        }
        Ok(masks)
    }
}
