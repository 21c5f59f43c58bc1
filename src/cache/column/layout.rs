//! Which field lies in which kind of column. Read off the list of fields, so that there is one list.

use crate::log::{Field, Kind};

use super::text::Hint;

/// How many dimensions have a dictionary.
pub const DIMENSIONS: usize = count(Kind::Dimension);
/// How many measures there are.
pub const MEASURES: usize = count(Kind::Measure);
/// How many details there are.
pub const DETAILS: usize = count(Kind::Detail);

/// The dimensions, in order.
pub const DIMENSION_FIELDS: [Field; DIMENSIONS] = fields(Kind::Dimension);
/// The measures, in order.
pub const MEASURE_FIELDS: [Field; MEASURES] = fields(Kind::Measure);
/// The details, in order.
pub const DETAIL_FIELDS: [Field; DETAILS] = fields(Kind::Detail);

/// Index of the key among the dimensions.
pub const KEY_SLOT: usize = slot(Field::Key);
/// Index of the operation among the dimensions.
pub const OPERATION_SLOT: usize = slot(Field::Operation);

/// Index of a field among those of its kind.
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

/// What the values of a detail are like.
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
    fn every_field_has_one_place() {
        assert_eq!(DIMENSIONS + MEASURES + DETAILS + 1, Field::COUNT);
        for (index, field) in DIMENSION_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
        for (index, field) in DETAIL_FIELDS.iter().enumerate() {
            assert_eq!(slot(*field), index);
        }
    }
}
