//! Which field is stored in which kind of column, derived from the list of fields.

use super::text::Hint;
use crate::log::{FIELDS, Field, Kind};

pub(crate) const DIMENSIONS: usize = count(Kind::Dimension, Field::STORED);
pub(crate) const MEASURES: usize = count(Kind::Measure, Field::STORED);
pub(crate) const DETAILS: usize = count(Kind::Detail, Field::STORED);

/// The dimensions, in the order of the fields.
pub(crate) const DIMENSION_FIELDS: [Field; DIMENSIONS] = fields(Kind::Dimension);
pub(crate) const MEASURE_FIELDS: [Field; MEASURES] = fields(Kind::Measure);
pub(crate) const DETAIL_FIELDS: [Field; DETAILS] = fields(Kind::Detail);

pub(crate) const KEY_SLOT: usize = slot(Field::Key);
pub(crate) const OPERATION_SLOT: usize = slot(Field::Operation);

/// Index of a field among the fields of its kind.
pub(crate) const fn slot(field: Field) -> usize {
    count(FIELDS[field as usize].kind, field as usize)
}

/// What the values of a detail usually are.
pub(crate) fn hint(field: Field) -> Hint {
    match field {
        Field::RequestId => Hint::RequestId,
        Field::HostId => Hint::Base64,
        _ => Hint::Text,
    }
}

/// Number of fields of a kind before the index `end`.
const fn count(kind: Kind, end: usize) -> usize {
    let mut count = 0;
    let mut index = 0;
    while index < end {
        if FIELDS[index].kind as u8 == kind as u8 {
            count += 1;
        }
        index += 1;
    }
    count
}

const fn fields<const N: usize>(kind: Kind) -> [Field; N] {
    let mut out = [Field::Time; N];
    let mut next = 0;
    let mut index = 0;
    while index < Field::STORED {
        if FIELDS[index].kind as u8 == kind as u8 {
            out[next] = FIELDS[index].field;
            next += 1;
        }
        index += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_one_slot() {
        assert_eq!(DIMENSIONS + MEASURES + DETAILS + 1, Field::STORED);
        for (index, field) in DIMENSION_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
        for (index, field) in DETAIL_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
    }
}
