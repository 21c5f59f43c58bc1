//! The names of addresses by reverse DNS: which are looked up for the screen, and how far that is.

use std::net::IpAddr;

use crate::identity::host_names::Lookups;
use crate::insight::{Scope, host_names::MAX_LOOKUPS};
use crate::log::{Field, address};
use crate::query::{Dimension, Query, Value};
use crate::tui::format;
use crate::tui::model::{RowId, Slot, State, TableKind};

/// What is looked up for the screen.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Whether the user enabled names.
    pub(crate) is_enabled: bool,
    /// Increases when names become known.
    version: u64,
    /// By slot: the version with which the last query was sent that depends on names; 0: it does not.
    sent: [u64; Slot::COUNT],
    /// The requests whose addresses are looked up or were looked up last, and the generation of the data.
    pub(crate) of: Option<(Scope, u64)>,
    /// Maximum number of addresses that are looked up.
    pub(crate) limit: usize,
    /// The number of the running analysis.
    pub(crate) running: Option<u64>,
    /// How far the lookups are.
    pub(crate) lookups: Lookups,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            is_enabled: false,
            version: 0,
            sent: [0; Slot::COUNT],
            of: None,
            limit: MAX_LOOKUPS,
            running: None,
            lookups: Lookups::default(),
        }
    }
}

impl Names {
    /// Notes that names may have become known.
    pub(crate) fn changed(&mut self) {
        self.version += 1;
    }

    /// A number that increases when the answer to a query changes because of names; 0 if it does not depend on them.
    pub(crate) fn version_for(&self, query: &Query) -> u64 {
        if query.depends_on(&Dimension::HostName) { self.version } else { 0 }
    }

    pub(crate) fn query_sent(&mut self, slot: Slot, query: &Query) {
        self.sent[slot as usize] = self.version_for(query);
    }

    /// The version with which the last query of a slot was sent.
    pub(crate) fn sent_version(&self, slot: Slot) -> u64 {
        self.sent[slot as usize]
    }
}

/// Whether the filter or the table of the layer in front is about names.
pub(crate) fn is_needed(state: &State) -> bool {
    let layer = state.layer();
    layer.table().kind.is_by(&Dimension::HostName) || layer.filter.tests(&Dimension::HostName)
}

/// `looking up names … 120/1,000`, while names of the layer in front are looked up.
pub(crate) fn progress(state: &State) -> Option<String> {
    state.names.running?;
    let Lookups { addresses, ended, .. } = state.names.lookups;
    Some(match addresses {
        0 => "looking up names …".to_owned(),
        all => format!("looking up names … {}/{}", format::count(ended as u64), format::count(all as u64)),
    })
}

/// The address under the cursor: of the open request, of the row or of the finding.
pub(crate) fn address_under_cursor(state: &State) -> Option<IpAddr> {
    let remote_ip = Dimension::Field(Field::RemoteIp);
    let layer = state.layer();
    let table = layer.table();
    let value = match (&layer.detail, &table.kind) {
        (Some(detail), _) => detail.row.get(Field::RemoteIp).clone(),
        (None, TableKind::Groups(by)) if *by == remote_ip => match table.anchor.clone()? {
            RowId::Value(value) => value,
            _ => return None,
        },
        (None, TableKind::Pairs(by)) => {
            let at = by.iter().position(|by| *by == remote_ip)?;
            table.rows.data.as_ref()?.pair(table.cursor)?.values[at].clone()
        }
        (None, TableKind::Requests) => {
            table.rows.data.as_ref()?.request(table.cursor)?.get(Field::RemoteIp).clone()
        }
        (None, TableKind::Findings) => {
            let finding = table.rows.data.as_ref()?.finding(table.cursor)?;
            finding.subject.clone().filter(|(by, _)| *by == remote_ip)?.1
        }
        (None, TableKind::Groups(_) | TableKind::Times(_)) => return None,
    };
    match value {
        Value::Text(text) => address::parse(&text),
        _ => None,
    }
}
