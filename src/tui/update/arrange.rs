//! How tables open: as in the last session, as the configuration file says, or by default. Also notes how the user arranged
//! a table.

use crate::tui::model::arrangement::{self, Arrangement};
use crate::tui::model::{State, TableKind};

/// Arranges the table in front if it is new, and remembers its columns and order if the user changed them.
pub(super) fn arrange(state: &mut State) {
    let table = state.layer().table();
    let name = arrangement::table_name(&table.kind);
    match &table.arranged {
        None => {
            let is_of_groups = matches!(table.kind, TableKind::Groups(_));
            let remembered = state.remembered.iter().find(|(table, _)| *table == name);
            let configured = state.settings.table_named(&name, is_of_groups);
            let wanted = match (remembered, configured) {
                // The order may be one of another cache, which is not remembered here.
                (Some((_, remembered)), Some(configured)) => {
                    Some(Arrangement { sort: remembered.sort.or(configured.sort), ..remembered.clone() })
                }
                (remembered, configured) => remembered.map(|(_, known)| known).or(configured).cloned(),
            };
            let table = state.layer_mut().table_mut();
            if let Some(wanted) = wanted {
                wanted.apply(table);
            }
            table.arranged = Some(Arrangement::of(table));
        }
        Some(before) => {
            let present = Arrangement::of(table);
            if *before != present {
                if table.keeps_arrangement {
                    state.changed_tables.insert(name, present.clone());
                }
                state.layer_mut().table_mut().arranged = Some(present);
            }
        }
    }
}
