//! Charges per group: what AWS bills for the rows of a group, see [`crate::query::cost`].
//!
//! Every rule of the bill runs once per distinct value, and gives a few bits. The bits of all fields of a row together
//! are its code, the index into a table with the charge of every code.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::cache::dictionary::Dictionary;
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentInfo, Snapshot};
use crate::log::Field;
use crate::query::QueryError;
use crate::query::cost::Prices;
use crate::query::cost::charges::{Charge, Charges, RequestClass, Transfer};
use crate::query::cost::rules::{self, Billed, ErrorRule, OperationRule, RequesterRule};
use crate::query::engine::cancel::{self, Ticker};
use crate::query::engine::predicate::mask::{Mask, for_each_row};

/// Bits that the rules of one row have.
type Code = u16;

// The first bit of each field in a code. The address has the last bit.
const STATUS: u32 = 3;
const ERROR: u32 = 4;
const REQUESTER: u32 = 6;
const REGION: u32 = 9;
const ADDRESS: u32 = 11;
const CODES: usize = 1 << 12;

/// The fields that have rules, except the address.
const FIELDS: [Field; 5] =
    [Field::Operation, Field::HttpStatus, Field::ErrorCode, Field::Requester, Field::SourceRegion];

const CLASSES: [RequestClass; 3] = [RequestClass::Free, RequestClass::Tier1, RequestClass::Tier2];
const TRANSFERS: [Transfer; 4] =
    [Transfer::Free, Transfer::Internet, Transfer::OtherRegion, Transfer::NearbyRegion];
const ERRORS: [ErrorRule; 3] = [ErrorRule::Billed, ErrorRule::NotBilled, ErrorRule::AccessDenied];
const REQUESTERS: [RequesterRule; 5] = [
    RequesterRule::OfOwner,
    RequesterRule::Outsider,
    RequesterRule::CanonicalId,
    RequesterRule::CloudFront,
    RequesterRule::Service,
];

/// The bits of a value of a field.
fn bits(field: Field, value: Option<&[u8]>, prices: &Prices) -> Code {
    match field {
        Field::Operation => {
            let OperationRule { class, is_part, is_website } = OperationRule::of(value);
            let class = if is_part { CLASSES.len() as Code } else { class as Code };
            class | Code::from(is_website) << 2
        }
        Field::HttpStatus => Code::from(rules::is_server_error(value)) << STATUS,
        Field::ErrorCode => (ErrorRule::of(value) as Code) << ERROR,
        Field::Requester => (RequesterRule::of(value, &prices.accounts) as Code) << REQUESTER,
        Field::SourceRegion => (rules::transfer(value, prices) as Code) << REGION,
        Field::RemoteIp => Code::from(value.is_some_and(rules::is_private)) << ADDRESS,
        _ => 0,
    }
}

/// What the rules say, from a code; `None` for codes that no row has.
fn billed(code: usize) -> Option<Billed> {
    let part = |first: u32, bits: u32| code >> first & ((1 << bits) - 1);
    let class = part(0, 2);
    let is_part = class == CLASSES.len();
    Some(Billed {
        operation: OperationRule {
            class: CLASSES.get(class).copied().unwrap_or_default(),
            is_part,
            is_website: part(2, 1) == 1,
        },
        is_server_error: part(STATUS, 1) == 1,
        error: *ERRORS.get(part(ERROR, 2))?,
        requester: *REQUESTERS.get(part(REQUESTER, 3))?,
        is_owner: false,
        transfer: *TRANSFERS.get(part(REGION, 2))?,
        is_private: part(ADDRESS, 1) == 1,
    })
}

#[derive(Clone, Copy, Default)]
struct ChargeOfCode {
    charge: Charge,
    /// The charge if the requester is the bucket owner.
    of_owner: Charge,
}

/// The bits of the values of a field, by value id.
#[derive(Clone, Default)]
struct FieldBits {
    bits: Arc<Vec<Code>>,
    /// Whether any value differs from the absent one.
    varies: bool,
}

/// The bits of all values so far, kept between queries.
#[derive(Default)]
pub(crate) struct ChargeRules {
    of_fields: Mutex<[FieldBits; FIELDS.len() + 1]>,
}

impl ChargeRules {
    /// The rules for the values of a snapshot.
    pub(super) fn of_snapshot(
        &self,
        snapshot: &Snapshot<'_>,
        prices: &Arc<Prices>,
        cancel: &CancellationToken,
    ) -> Result<Arc<SnapshotRules>, QueryError> {
        let mut known = cancel::lock(&self.of_fields, cancel)?;
        for (field, known) in FIELDS.into_iter().chain([Field::RemoteIp]).zip(&mut *known) {
            if known.bits.len() > snapshot.dictionary_len(field) as usize {
                continue;
            }
            let dictionary = snapshot.dictionary_or_cancel(field, cancel)?;
            let mut all = Vec::clone(&known.bits);
            let mut ticker = Ticker::of_items(cancel);
            for id in all.len() as u32..=dictionary.len() {
                ticker.tick()?;
                all.push(bits(field, dictionary.get(id), prices));
            }
            known.varies = all.iter().any(|bits| Some(bits) != all.first());
            known.bits = Arc::new(all);
        }
        let of_fields = known.clone();
        drop(known);
        let charges = (0..CODES).map(|code| {
            billed(code).map_or(ChargeOfCode::default(), |billed| ChargeOfCode {
                charge: billed.charge(),
                of_owner: Billed { is_owner: true, ..billed }.charge(),
            })
        });
        Ok(Arc::new(SnapshotRules {
            of_fields,
            charges: charges.collect(),
            requesters: snapshot.dictionary_or_cancel(Field::Requester, cancel)?,
            owners: snapshot.dictionary_or_cancel(Field::BucketOwner, cancel)?,
        }))
    }
}

/// The rules for the values of a snapshot.
pub(super) struct SnapshotRules {
    /// In the order of [`FIELDS`]; last the address.
    of_fields: [FieldBits; FIELDS.len() + 1],
    charges: Box<[ChargeOfCode]>,
    requesters: Dictionary,
    owners: Dictionary,
}

impl SnapshotRules {
    pub(super) fn open(
        self: &Arc<Self>,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<ChargeColumns, CacheError> {
        let mut constant = 0;
        let mut columns = Vec::new();
        for (field, of_field) in FIELDS.into_iter().chain([Field::RemoteIp]).zip(&self.of_fields) {
            // A column with one value, such as an absent region, is not read.
            let (low, high) = snapshot.code_bounds(segment, field)?;
            if low == high || !of_field.varies {
                let id = if of_field.varies { low as usize } else { 0 };
                constant |= of_field.bits.get(id).copied().unwrap_or(0);
            } else {
                columns.push((snapshot.int_column(segment, field)?, of_field.bits.clone()));
            }
        }
        Ok(ChargeColumns {
            rules: self.clone(),
            constant,
            columns,
            bytes_sent: snapshot.int_column(segment, Field::BytesSent)?,
            requesters: snapshot.int_column(segment, Field::Requester)?,
            owners: snapshot.int_column(segment, Field::BucketOwner)?,
        })
    }
}

/// The columns of a segment that the charges depend on.
pub(super) struct ChargeColumns {
    rules: Arc<SnapshotRules>,
    /// The bits that all rows have.
    constant: Code,
    /// The columns whose values have different bits, and the bits of each value id.
    columns: Vec<(IntColumn, Arc<Vec<Code>>)>,
    bytes_sent: IntColumn,
    requesters: IntColumn,
    owners: IntColumn,
}

impl ChargeColumns {
    /// Adds the selected rows of a block to the charges of their slots.
    pub(super) fn add_block(&self, mask: Mask, block: usize, slots: &[u32; BLOCK], charges: &mut [Charges]) {
        let mut codes = [self.constant; BLOCK];
        let mut ids = [0; BLOCK];
        for (column, bits) in &self.columns {
            let bits: &[Code] = bits;
            let (low, high) = column.code_range(block);
            if low == high {
                let of_block = bits.get(low as usize).copied().unwrap_or(0);
                codes.iter_mut().for_each(|code| *code |= of_block);
                continue;
            }
            column.ids(block, &mut ids);
            for (code, id) in codes.iter_mut().zip(ids) {
                // A damaged column may have impossible value ids: they have no bits.
                *code |= bits.get(id as usize).copied().unwrap_or(0);
            }
        }
        let mut bytes = NumberBlock::default();
        self.bytes_sent.numbers(block, &mut bytes);
        for_each_row(mask, |row| {
            let Some(sums) = charges.get_mut(slots[row] as usize) else { return };
            let ChargeOfCode { charge, of_owner } =
                self.rules.charges.get(usize::from(codes[row])).copied().unwrap_or_default();
            let is_of_owner = charge != of_owner && self.is_owner(block * BLOCK + row);
            sums.add(if is_of_owner { of_owner } else { charge }, bytes.or_zero(row));
        });
    }

    /// Whether the requester of a row is the bucket owner. Few rows need it: denied requests of canonical ids.
    fn is_owner(&self, row: usize) -> bool {
        let owner = self.rules.owners.get(self.owners.id(row));
        owner.is_some() && owner == self.rules.requesters.get(self.requesters.id(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_values_have_the_charges_of_the_rules() {
        let prices = Prices { accounts: vec!["123456789012".to_owned()], ..Prices::default() };
        let owner = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";
        let operations = [
            "REST.GET.OBJECT",
            "REST.PUT.PART",
            "REST.DELETE.OBJECT",
            "WEBSITE.GET.OBJECT",
            "S3.EXPIRE.OBJECT",
        ];
        let requesters = [
            "",
            owner,
            "AmazonS3",
            "svc:cloudfront.amazonaws.com",
            "arn:aws:iam::123456789012:user/ann",
            "arn:aws:iam::999999999999:user/eve",
        ];
        let value = |text: &'static str| (!text.is_empty()).then_some(text.as_bytes());
        for operation in operations {
            for status in ["", "200", "503"] {
                for error in ["", "NoSuchKey", "InvalidRange", "AccessDenied"] {
                    for requester in requesters {
                        for region in ["", "us-east-1", "us-east-2", "eu-west-1"] {
                            for address in ["", "10.0.0.1", "203.0.113.7"] {
                                let texts = [operation, status, error, requester, region, address].map(value);
                                let code = FIELDS
                                    .into_iter()
                                    .chain([Field::RemoteIp])
                                    .zip(texts)
                                    .fold(0, |code, (field, text)| code | bits(field, text, &prices));
                                let expected = Billed {
                                    operation: OperationRule::of(texts[0]),
                                    is_server_error: rules::is_server_error(texts[1]),
                                    error: ErrorRule::of(texts[2]),
                                    requester: RequesterRule::of(texts[3], &prices.accounts),
                                    is_owner: false,
                                    transfer: rules::transfer(texts[4], &prices),
                                    is_private: texts[5].is_some_and(rules::is_private),
                                };
                                assert_eq!(billed(usize::from(code)), Some(expected));
                            }
                        }
                    }
                }
            }
        }
    }
}
