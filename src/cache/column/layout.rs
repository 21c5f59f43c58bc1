//! Which field is stored in which kind of column, derived from the list of fields.

use crate::log::{Field, Kind};

use super::text::Hint;

/// Number of dimensions.
pub const DIMENSIONS: usize = count(Kind::Dimension);
/// Number of measures.
pub const MEASURES: usize = count(Kind::Measure);
/// Number of details.
pub const DETAILS: usize = count(Kind::Detail);

/// The dimensions, in the order of the fields.
pub const DIMENSION_FIELDS: [Field; DIMENSIONS] = fields(Kind::Dimension);
/// The measures, in the order of the fields.
pub const MEASURE_FIELDS: [Field; MEASURES] = fields(Kind::Measure);
/// The details, in the order of the fields.
pub const DETAIL_FIELDS: [Field; DETAILS] = fields(Kind::Detail);

/// Index of the key among the dimensions.
pub const KEY_SLOT: usize = slot(Field::Key);
/// Index of the operation among the dimensions.
pub const OPERATION_SLOT: usize = slot(Field::Operation);

/// Index of a field among the fields of its kind.
pub const fn slot(field: Field) -> usize {
    let mut slot = 0;
    let mut index = 0;
    while index < field as usize {
        if crate::log::FIELDS[index].kind as u8 == crate::log::FIELDS[field as usize].kind as u8 {
            slot += 1;
        }
        index += 1;
    }
    slot
}

/// What the values of a detail usually are.
pub fn hint(field: Field) -> Hint {
    match field {
        Field::RequestId => Hint::RequestId,
        Field::HostId => Hint::Base64,
        _ => Hint::Text,
    }
}

const fn count(kind: Kind) -> usize {
    let mut count = 0;
    let mut index = 0;
    while index < Field::COUNT {
        if crate::log::FIELDS[index].kind as u8 == kind as u8 {
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
    while index < Field::COUNT {
        if crate::log::FIELDS[index].kind as u8 == kind as u8 {
            out[next] = crate::log::FIELDS[index].field;
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
        assert_eq!(DIMENSIONS + MEASURES + DETAILS + 1, Field::COUNT);
        for (index, field) in DIMENSION_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
        for (index, field) in DETAIL_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
    }
}
