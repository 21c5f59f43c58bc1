//! The state of the explorer and what can be derived from it. `update` changes it, `view` draws it.

pub(super) mod action;
pub(super) mod answer_state;
pub(super) mod axis;
pub(super) mod cell_filter;
pub(super) mod columns;
pub(super) mod keymap;
pub(super) mod layer;
pub(super) mod layout;
pub(super) mod lazy_columns;
pub(super) mod prompt;
pub(super) mod rows;
pub(super) mod state;
pub(super) mod table;
