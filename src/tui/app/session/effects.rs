//! Carries out the effects of an action: starts queries, analyses and exports, writes files, and uses the terminal.

use std::sync::Arc;

use ratatui::backend::Backend;
use tokio_util::sync::CancellationToken;

use super::{Session, TerminalControl};
use crate::config::NamedInvestigation;
use crate::tui::app::query_runner::pin_snapshot;
use crate::tui::app::{export_file, home, mutes, write_file};
use crate::tui::model::{Action, Effect};
use crate::tui::update::MAX_COPIED_ROWS;

impl<B: Backend, C: TerminalControl> Session<'_, B, C> {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::RunQuery(job) => self.queries.start(*job),
            Effect::Analyse(job) => self.analyses.start(*job),
            Effect::StopAnalysis(slot) => self.analyses.stop(slot),
            Effect::Complete { number, query, by, text } => self.queries.complete(number, *query, by, text),
            Effect::Copy(text) => {
                let result = self.control.copy(&text);
                result.unwrap_or_else(|error| self.state.warn(format!("could not copy: {error}")));
            }
            Effect::CopyTable(export, form) => {
                let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
                tokio::task::spawn_blocking(move || {
                    let table = export_file::to_text(&*engine, &export, form, MAX_COPIED_ROWS);
                    let _ = actions.send(Action::TableCopied(form, table));
                });
            }
            Effect::Export(mut export) => {
                export.path = home::expanded(std::mem::take(&mut export.path));
                let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
                let cancel = CancellationToken::new();
                let worker_cancel = cancel.clone();
                let worker = tokio::task::spawn_blocking(move || {
                    let mut on_progress = |rows, total| {
                        let _ = actions.send(Action::Exporting { rows, total });
                    };
                    let exported = export_file::export(&*engine, *export, &worker_cancel, &mut on_progress);
                    let _ = actions.send(Action::Exported(exported));
                });
                self.export = Some((cancel, worker));
            }
            Effect::Mute(new) => {
                let _ = self.actions.send(mutes::add(self.mutes.as_deref(), new));
            }
            Effect::Unmute(mute) => {
                let result = mutes::remove(self.mutes.as_deref(), &mute);
                let _ = self.actions.send(Action::Unmuted { mute, result });
            }
            Effect::ListMutes => {
                let _ = self.actions.send(mutes::list(self.mutes.as_deref()));
            }
            Effect::WriteFile { path, text } => {
                let path = home::expanded(path);
                let result = write_file::write_new(&path, &text);
                let _ = self.actions.send(Action::FileWritten { path, result });
            }
            Effect::SaveInvestigation { name, investigation } => {
                let result = match &mut self.config {
                    Some(config) => config.save(&name, &investigation),
                    None => Err("there is no place for a configuration file: set HOME".to_owned()),
                };
                let named = NamedInvestigation { name, is_own: true, investigation: *investigation };
                let _ = self.actions.send(Action::InvestigationSaved { named: Box::new(named), result });
            }
            Effect::LookUpName(address) => {
                let (names, actions) = (Arc::clone(&self.names), self.actions.clone());
                // Not on a thread of tokio, which waits for them in the end.
                std::thread::spawn(move || {
                    let _ = actions.send(Action::NameFound(address, names.look_up_one(address)));
                });
            }
            Effect::Retry => self.ingest.iter().for_each(|feed| (feed.retry)()),
            Effect::StopExport => {
                if let Some((cancel, _)) = &self.export {
                    cancel.cancel();
                }
            }
            Effect::StartTimer { after, number } => {
                let actions = self.actions.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let _ = actions.send(Action::TimerFired(number));
                });
            }
            Effect::PinSnapshot(pin) => {
                let _ = self.actions.send(pin_snapshot(&*self.engine, pin));
            }
            Effect::CaptureMouse(captures) => {
                let result = self.control.capture_mouse(captures);
                result.unwrap_or_else(|error| self.state.warn(format!("the terminal failed: {error}")));
            }
            Effect::Redraw => self.clears = true,
            Effect::Suspend => self.suspends = true,
            Effect::Quit => self.quit = true,
        }
    }
}
