//! A filter made ready for columns: tests run once per dictionary value, rows are only looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::{BLOCK, CacheError, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, Kind};
use crate::query::filter::{Filter, Matcher, Subject, Test};
use crate::query::{Counting, Dimension, Query, QueryError};

/// Rows of a block that pass, a bit each.
pub type Mask = u128;

/// A set of dictionary ids.
#[derive(Debug, Default, PartialEq)]
pub struct IdSet {
    bits: Vec<u64>,
    len: u32,
}

impl IdSet {
    fn push(&mut self, is_in: bool) {
        if self.len.is_multiple_of(64) {
            self.bits.push(0);
        }
        if is_in {
            self.bits[self.len as usize / 64] |= 1 << (self.len % 64);
        }
        self.len += 1;
    }

    /// Whether an id is in it; one that is newer than the set is not.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.bits.get(id as usize / 64).is_some_and(|bits| bits >> (id % 64) & 1 != 0)
    }

    /// How many of these ids are in it.
    fn count(&self, low: u32, high: u32) -> u32 {
        let mut count = 0;
        for word in low / 64..=high / 64 {
            let mut bits = self.bits.get(word as usize).copied().unwrap_or(0);
            if word == low / 64 {
                bits &= u64::MAX << (low % 64);
            }
            if word == high / 64 {
                bits &= u64::MAX >> (63 - high % 64);
            }
            count += bits.count_ones();
        }
        count
    }
}

/// Sets already made, by what they stand for: a live table asks the same again and again, and a regular
/// expression over a million keys takes its time. Dictionaries only grow, so a set is only added to.
#[derive(Default)]
pub struct IdSets(Mutex<HashMap<String, Arc<IdSet>>>);

/// Sets kept.
const SETS: usize = 64;

impl IdSets {
    fn get(
        &self,
        snapshot: &Snapshot<'_>,
        base: Field,
        name: String,
        test: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<Arc<IdSet>, CacheError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let values = snapshot.dictionary(base)?;
        if let Some(known) = &known
            && known.len > values.len()
        {
            return Ok(known.clone());
        }
        let mut set =
            known.map_or_else(IdSet::default, |known| IdSet { bits: known.bits.clone(), len: known.len });
        if set.len == 0 {
            set.push(test(None));
        }
        for id in set.len..=values.len() {
            set.push(test(values.get(id)));
        }
        let set = Arc::new(set);
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS {
            sets.clear();
        }
        sets.insert(name, set.clone());
        Ok(set)
    }
}

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
}

/// What is known of a segment before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// No row.
    None,
    /// Some rows, perhaps.
    Some,
    /// Every row.
    All,
}

/// A filter, a time range and a way of counting, made ready.
#[derive(Debug)]
pub struct Predicate {
    root: Node,
    /// Numbers of the sources asked about; `None`: all.
    sources: Option<Vec<i64>>,
}

impl Predicate {
    /// Makes it ready for a snapshot.
    pub fn new(query: &Query, snapshot: &Snapshot<'_>, sets: &IdSets) -> Result<Predicate, QueryError> {
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
            let set = sets.get(snapshot, Field::Operation, "counted".to_owned(), |operation| {
                operation.is_none_or(is_request)
            })?;
            all.push(Node::Ids(Field::Operation, set));
        }
        all.push(compile(&query.filter, snapshot, sets)?);
        Ok(Predicate { root: simplify(Node::All(all)), sources })
    }

    /// Whether a segment is of a source that is asked about.
    pub fn is_asked(&self, segment: &SegmentInfo) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(&segment.source))
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
        OpenPredicate::open(&self.root, segment, snapshot)
    }
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

fn compile(filter: &Filter, snapshot: &Snapshot<'_>, sets: &IdSets) -> Result<Node, QueryError> {
    Ok(match filter {
        Filter::All(all) => {
            Node::All(all.iter().map(|filter| compile(filter, snapshot, sets)).collect::<Result<_, _>>()?)
        }
        Filter::Any(any) => {
            Node::Any(any.iter().map(|filter| compile(filter, snapshot, sets)).collect::<Result<_, _>>()?)
        }
        Filter::Not(not) => Node::Not(Box::new(compile(not, snapshot, sets)?)),
        Filter::Term(subject, test) => term(subject, test, snapshot, sets)?,
    })
}

fn term(subject: &Subject, test: &Test, snapshot: &Snapshot<'_>, sets: &IdSets) -> Result<Node, QueryError> {
    let matcher = Matcher::new(test).map_err(QueryError::Invalid)?;
    let ids = |base: Field, dimension: &Dimension| -> Result<Node, CacheError> {
        let name = format!("{dimension:?} {test:?}");
        let set =
            sets.get(snapshot, base, name, |value| matcher.is_match(dimension.derive(value).as_deref()))?;
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
        Subject::Derived(dimension) => Ok(ids(dimension.base(), dimension)?),
        Subject::Field(field) => match field.kind() {
            Kind::Dimension => Ok(ids(*field, &Dimension::Field(*field))?),
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
            Node::All(inner) | Node::Any(inner) => inner.iter().map(Node::cost).sum(),
            Node::Not(inner) => inner.cost(),
        }
    }

    fn passes(&self, segment: &SegmentInfo, snapshot: &Snapshot<'_>) -> Result<Passes, CacheError> {
        Ok(match self {
            Node::Constant(true) => Passes::All,
            Node::Constant(false) => Passes::None,
            Node::All(all) => {
                let mut passes = Passes::All;
                for node in all {
                    match node.passes(segment, snapshot)? {
                        Passes::None => return Ok(Passes::None),
                        Passes::Some => passes = Passes::Some,
                        Passes::All => {}
                    }
                }
                passes
            }
            Node::Any(any) => {
                let mut passes = Passes::None;
                for node in any {
                    match node.passes(segment, snapshot)? {
                        Passes::All => return Ok(Passes::All),
                        Passes::Some => passes = Passes::Some,
                        Passes::None => {}
                    }
                }
                passes
            }
            Node::Not(inner) => match inner.passes(segment, snapshot)? {
                Passes::None => Passes::All,
                Passes::Some => Passes::Some,
                Passes::All => Passes::None,
            },
            Node::Ids(field, set) => {
                let (low, high) = snapshot.bounds(segment, *field)?;
                let (low, high) = (low as u32, high as u32);
                match set.count(low, high) {
                    0 => Passes::None,
                    count if count == high - low + 1 => Passes::All,
                    _ => Passes::Some,
                }
            }
            Node::Time(from, to) => {
                let (low, high) = (Snapshot::code_of(segment.time_min), Snapshot::code_of(segment.time_max));
                range_passes(low, high, *from, *to)
            }
            Node::Number(field, from, to) => {
                let (low, high) = snapshot.bounds(segment, *field)?;
                range_passes(low as u64, high as u64, *from, *to)
            }
            Node::TimePart(..) | Node::Detail(..) => Passes::Some,
        })
    }
}

fn range_passes(low: u64, high: u64, from: u64, to: u64) -> Passes {
    if high < from || to < low {
        Passes::None
    } else if from <= low && high <= to {
        Passes::All
    } else {
        Passes::Some
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

/// A test on a column of text.
pub struct DetailTest<'p> {
    segment: SegmentInfo,
    snapshot: &'p Snapshot<'p>,
    field: Field,
    matcher: &'p Matcher,
    masks: std::cell::OnceCell<Result<Vec<Mask>, CacheError>>,
}

impl<'p> OpenPredicate<'p> {
    fn open(
        node: &'p Node,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
    ) -> Result<OpenPredicate<'p>, CacheError> {
        let open_all = |nodes: &'p [Node]| {
            nodes.iter().map(|node| OpenPredicate::open(node, segment, snapshot)).collect::<Result<_, _>>()
        };
        Ok(match node.passes(segment, snapshot)? {
            Passes::None => OpenPredicate::Constant(false),
            Passes::All => OpenPredicate::Constant(true),
            Passes::Some => match node {
                Node::Constant(value) => OpenPredicate::Constant(*value),
                Node::All(all) => OpenPredicate::All(open_all(all)?),
                Node::Any(any) => OpenPredicate::Any(open_all(any)?),
                Node::Not(inner) => {
                    OpenPredicate::Not(Box::new(OpenPredicate::open(inner, segment, snapshot)?))
                }
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
                Node::Detail(field, matcher) => OpenPredicate::Detail(DetailTest {
                    segment: *segment,
                    snapshot,
                    field: *field,
                    matcher,
                    masks: std::cell::OnceCell::new(),
                }),
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

#[inline]
fn mask_of(passes: impl Fn(usize) -> bool) -> Mask {
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
            Err(error) => Err(QueryError::Invalid(error.to_string())),
        }
    }

    fn run(&self) -> Result<Vec<Mask>, CacheError> {
        let mut masks = vec![0; self.segment.rows.div_ceil(BLOCK)];
        let keys = self.snapshot.integers(&self.segment, Field::Key)?;
        let key_values = match self.field {
            Field::RequestUri => Some(self.snapshot.dictionary(Field::Key)?),
            _ => None,
        };
        let mut key_ids = [0u32; BLOCK];
        let mut key_block = usize::MAX;
        let mut row = 0;
        for page in self.snapshot.all_pages(&self.segment, self.field)? {
            for in_page in 0..page.rows() {
                let key = || {
                    if key_block != row / BLOCK {
                        key_block = row / BLOCK;
                        keys.unpack_u32(key_block, &mut key_ids);
                    }
                    key_values.as_ref()?.get(key_ids[row % BLOCK])
                };
                let value = page
                    .get(in_page, key)
                    .map_err(|damage| self.snapshot.damaged(&self.segment, self.field, damage))?;
                if self.matcher.is_match(value.as_deref()) {
                    masks[row / BLOCK] |= 1 << (row % BLOCK);
                }
                row += 1;
            }
        }
        Ok(masks)
    }
}
