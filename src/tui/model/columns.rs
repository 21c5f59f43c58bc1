//! The columns of the tables.

use crate::log::{Field, Kind};
use crate::query::filter::{Subject, Test};
use crate::query::{Dimension, Filter, Measure, Sort, measure::Aggregate};
use crate::tui::model::{Layer, TableKind, cell_filter};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    /// The value of the group, or the time of the bucket.
    Value,
    /// The value of the second dimension of a pair.
    Second,
    Measure(Measure),
    Share,
    /// A sparkline of the requests over time.
    Activity,
    Field(Field),
    Finding(FindingColumn),
}

/// A column that only the table of findings has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FindingColumn {
    Kind,
    Subject,
    /// First and last time.
    When,
    Cost,
    Score,
}

/// A column that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) column: Column,
    /// Whether the column is shown if it fits.
    pub(crate) is_shown: bool,
}

impl Column {
    /// The heading; `by` is the title of the table.
    pub(crate) fn title(self, by: &str) -> String {
        match self {
            Column::Value => by.to_uppercase(),
            Column::Second => "AND".to_owned(),
            Column::Share => "BYTES %".to_owned(),
            Column::Activity => "ACTIVITY".to_owned(),
            Column::Field(field) => field.title().to_uppercase(),
            Column::Finding(column) => column.name().to_uppercase(),
            Column::Measure(Measure::Value) => by.to_uppercase(),
            Column::Measure(measure) => measure.spec().title.to_owned(),
        }
    }

    /// The name for `:sort`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Column::Value => "value",
            Column::Second => "second",
            Column::Share => "share",
            Column::Activity => "activity",
            Column::Field(field) => field.name(),
            Column::Finding(column) => column.name(),
            Column::Measure(measure) => measure.name(),
        }
    }

    /// Whether `name` is its name or an alias of it, in any case.
    pub(crate) fn is_called(self, name: &str) -> bool {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        is(self.name())
            || matches!(self, Column::Field(field) if field.spec().aliases.iter().any(|of| is(of)))
    }

    /// A description in one sentence.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Column::Value => "Value that the row is about.",
            Column::Second => "Value of the second dimension.",
            Column::Share => "Share of all bytes sent.",
            Column::Activity => "Requests over the visible time range; gaps have none.",
            Column::Field(field) => field.spec().about,
            Column::Finding(column) => column.about(),
            Column::Measure(measure) => measure.spec().about,
        }
    }

    /// Whether a table can be sorted by the column.
    pub(crate) fn is_sortable(self) -> bool {
        !matches!(self, Column::Activity | Column::Second)
    }

    /// The measure by which this column sorts a table of groups; `None`: it cannot.
    pub(crate) fn measure(self) -> Option<Measure> {
        match self {
            Column::Value => Some(Measure::Value),
            Column::Share => Some(Measure::BytesSent),
            Column::Measure(measure) => Some(measure),
            Column::Second | Column::Activity | Column::Field(_) | Column::Finding(_) => None,
        }
    }

    /// The field of a column of the table of requests.
    pub(crate) fn field(self) -> Option<Field> {
        if let Column::Field(field) = self { Some(field) } else { None }
    }

    /// Whether it is lazy: computed by another query, for the visible rows only.
    pub(crate) fn is_lazy(self) -> bool {
        matches!(self, Column::Measure(measure) if measure.is_extra())
    }

    /// Whether it compares the row with all other rows, so that the query for the table must compute it.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Column::Measure(measure) if measure.is_relative())
    }

    /// Whether sorting begins with the largest value.
    pub(crate) fn descends(self) -> bool {
        match self {
            Column::Value | Column::Second => false,
            Column::Finding(column) => matches!(column, FindingColumn::Cost | FindingColumn::Score),
            Column::Field(Field::HttpStatus | Field::Time) => true,
            Column::Field(field) => field.kind() == Kind::Measure && field != Field::Line,
            _ => true,
        }
    }
}

/// The columns of a table of groups, hidden ones included.
pub(crate) fn of_groups(by: &Dimension) -> Vec<Choice> {
    // Objects and user agents are compared by the number of their clients.
    let shows_addresses = matches!(by, Dimension::Field(Field::Key | Field::UserAgent));
    let mut columns: Vec<Choice> = Measure::ALL
        .into_iter()
        .filter(|measure| !matches!((measure.spec().aggregate, by), (Aggregate::Distinct(field), Dimension::Field(by)) if field == *by))
        .map(|measure| {
            let is_shown = measure.spec().column.is_shown;
            match measure {
                Measure::Value => Choice { column: Column::Value, is_shown: true },
                Measure::Share => Choice { column: Column::Share, is_shown },
                Measure::Addresses => Choice { column: Column::Measure(measure), is_shown: shows_addresses },
                measure => Choice { column: Column::Measure(measure), is_shown },
            }
        })
        .collect();
    columns.push(Choice { column: Column::Activity, is_shown: true });
    columns
}

/// The columns of a table of pairs.
pub(crate) fn of_pairs() -> Vec<Choice> {
    let measure = |measure, is_shown| Choice { column: Column::Measure(measure), is_shown };
    vec![
        Choice { column: Column::Value, is_shown: true },
        Choice { column: Column::Second, is_shown: true },
        measure(Measure::Requests, true),
        measure(Measure::BytesSent, true),
        measure(Measure::ErrorRate, true),
        measure(Measure::Errors, false),
        Choice { column: Column::Share, is_shown: true },
        measure(Measure::FirstSeen, false),
        measure(Measure::LastSeen, true),
    ]
}

/// The columns of the table of times.
pub(crate) fn of_times() -> Vec<Choice> {
    let measure = |measure| Choice { column: Column::Measure(measure), is_shown: true };
    vec![
        Choice { column: Column::Value, is_shown: true },
        measure(Measure::Requests),
        measure(Measure::BytesSent),
        measure(Measure::ErrorRate),
        measure(Measure::Errors),
        Choice { column: Column::Share, is_shown: true },
    ]
}

/// The columns of the table in front that have the same content in every row because of the filter.
pub(crate) fn constant(layer: &Layer) -> Vec<Column> {
    let filter = &layer.filter;
    let is_constant = |column: &Column| match (column, &layer.table().kind) {
        (Column::Field(field), TableKind::Requests) => {
            *field != Field::Time && cell_filter::pins(filter, *field)
        }
        (Column::Measure(measure), TableKind::Groups(_) | TableKind::Pairs(_) | TableKind::Times(_)) => {
            match measure.spec().aggregate {
                Aggregate::Distinct(field) => cell_filter::pins(filter, field),
                _ if matches!(measure, Measure::ErrorRate | Measure::Errors) => decides_errors(filter),
                _ => false,
            }
        }
        _ => false,
    };
    layer.table().columns.iter().map(|choice| choice.column).filter(is_constant).collect()
}

/// Whether `filter` allows only errors, or no errors at all.
pub(crate) fn decides_errors(filter: &Filter) -> bool {
    const FIRST_ERROR: i64 = 400;
    filter.terms().iter().any(|term| match term {
        Filter::Term(Subject::Field(Field::HttpStatus), test) => match test {
            Test::Range(Some(from), _) if *from >= FIRST_ERROR => true,
            Test::Range(_, Some(to)) => *to < FIRST_ERROR,
            Test::Equals(_) | Test::Absent => true,
            _ => false,
        },
        Filter::Term(Subject::Derived(Dimension::StatusClass), Test::Equals(_)) => true,
        _ => false,
    })
}

impl FindingColumn {
    fn name(self) -> &'static str {
        match self {
            FindingColumn::Kind => "kind",
            FindingColumn::Subject => "subject",
            FindingColumn::When => "when",
            FindingColumn::Cost => "cost",
            FindingColumn::Score => "score",
        }
    }

    fn about(self) -> &'static str {
        match self {
            FindingColumn::Kind => "What has happened.",
            FindingColumn::Subject => "Address, requester, key or other value that the finding is about.",
            FindingColumn::When => "First and last time.",
            FindingColumn::Cost => "Estimated cost of its requests in US dollars.",
            FindingColumn::Score => "How serious it is and how strong the evidence is, 0 to 100.",
        }
    }
}

/// The columns of the table of findings.
pub(crate) fn of_findings() -> Vec<Choice> {
    use FindingColumn::*;
    let column = |column| Choice { column: Column::Finding(column), is_shown: true };
    let measure = |measure, is_shown| Choice { column: Column::Measure(measure), is_shown };
    vec![
        column(Kind),
        column(Subject),
        column(When),
        measure(Measure::Requests, true),
        measure(Measure::BytesSent, true),
        measure(Measure::ErrorRate, true),
        measure(Measure::Errors, false),
        column(Cost),
        column(Score),
    ]
}

/// The columns of the table of requests: all fields.
pub(crate) fn of_requests() -> Vec<Choice> {
    use Field::*;
    const FIRST: [Field; 10] =
        [Time, RemoteIp, HttpStatus, Operation, Key, BytesSent, TotalTime, ErrorCode, Requester, UserAgent];
    let others = Field::all().filter(|field| !FIRST.contains(field));
    let choice = |field| Choice { column: Column::Field(field), is_shown: FIRST.contains(&field) };
    FIRST.into_iter().chain(others).map(choice).collect()
}

/// The initial order of a table of groups.
pub(crate) fn first_sort(by: &Dimension) -> Sort<Column> {
    match by {
        Dimension::HourOfDay | Dimension::Weekday => Sort { by: Column::Value, descending: false },
        _ => Sort { by: Column::Measure(Measure::BytesSent), descending: true },
    }
}
