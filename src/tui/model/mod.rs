//! The state of the explorer and everything that is derived from it: tables, popups, the layout of the screen.
//! Only `update` changes the state, `view` draws it. Contains no I/O and no clock.

pub(super) mod action;
pub(super) mod answer_state;
pub(super) mod axis;
pub(super) mod cell_filter;
pub(super) mod column_placement;
pub(super) mod columns;
pub(super) mod commands;
pub(super) mod detail;
pub(super) mod keymap;
pub(super) mod layer;
pub(super) mod layout;
pub(super) mod lazy_columns;
pub(super) mod lists;
pub(super) mod prompt;
pub(super) mod reading;
pub(super) mod rows;
pub(super) mod state;
pub(super) mod table;
pub(super) mod tabs;
pub(super) mod time_axes;
