//! `tamarin sql`: one SELECT over the cache.

use std::cell::RefCell;
use std::io::Write;
use std::sync::mpsc::sync_channel;

use super::args::SqlArgs;
use super::setting::Setting;
use super::{Outcome, interrupt, output, pulling, usage};
use crate::cache::Cache;
use crate::export::{self, Cell, Format, Sheet, human};
use crate::query::sql::{Sql, SqlError, SqlValue};
use crate::query::{Ask, LocalEngine};

/// Rows on their way from SQLite.
const AHEAD: usize = 1024;

/// What the thread that runs the statement sends.
enum Sent {
    Names(Vec<String>),
    Row(Vec<SqlValue>),
    Failed(SqlError),
}

pub(super) fn run(setting: &Setting, args: &SqlArgs) -> anyhow::Result<Outcome> {
    if setting.options.sort.is_some() {
        return usage("--sort: write ORDER BY into the statement");
    }
    let ready = pulling::ready(setting, &args.sources)?;
    let query = setting.query(&ready.sources, args.counting.into(), Ask::Totals);
    // SQLite wants what stands behind a table to live as long as the program. It does: one statement,
    // and the program ends.
    let engine: &'static LocalEngine = Box::leak(Box::new(LocalEngine::new(ready.cache.clone())));
    let _close = CloseAtEnd(engine.cache());
    let (sender, receiver) = sync_channel::<Sent>(AHEAD);
    let statement = args.statement.clone();
    let asking = std::thread::spawn(move || {
        // Whoever is gone (a closed pipe, enough rows) needs nothing more.
        let ran = Sql::new(engine, query).and_then(|sql| {
            let stopper = sql.stopper();
            let _hook = interrupt::on_signal(move || stopper.stop());
            sql.run(&statement, &mut |names| drop(sender.send(Sent::Names(names))), &mut |row| {
                sender.send(Sent::Row(row)).is_ok()
            })
        });
        if let Err(error) = ran {
            drop(sender.send(Sent::Failed(error)));
        }
    });
    let names = match receiver.recv() {
        Ok(Sent::Names(names)) => names,
        Ok(Sent::Failed(error)) => return told(error),
        Ok(Sent::Row(_)) | Err(_) => anyhow::bail!("the statement broke down"),
    };
    let failed = RefCell::new(None);
    let top = match setting.top() {
        0 => usize::MAX,
        top => top,
    };
    let mut rows = receiver.iter().map_while(|sent| match sent {
        Sent::Row(row) => Some(row.into_iter().map(cell).collect::<Vec<_>>()),
        Sent::Names(_) => None,
        Sent::Failed(error) => {
            *failed.borrow_mut() = Some(error);
            None
        }
    });
    let mut out = output::data();
    if setting.format == Format::Table {
        // A table says below itself that there were more, so all its rows come first.
        let shown: Vec<Vec<Cell<'_>>> = rows.by_ref().take(top).collect();
        let note = rows
            .next()
            .map(|_| format!("the first {}; --top 0 shows all", human::counted(shown.len() as u64, "row")));
        if let Some(error) = failed.take() {
            return told(error);
        }
        let sheet = Sheet::named(names, Box::new(shown.into_iter()), note);
        export::write_sheet(sheet, setting.format, output::width(), &mut out)?;
    } else {
        let sheet = Sheet::named(names, Box::new(rows.take(top)), None);
        export::write_sheet(sheet, setting.format, output::width(), &mut out)?;
    }
    out.flush()?;
    drop(receiver);
    if let Some(error) = failed.into_inner() {
        return told(error);
    }
    if asking.join().is_err() {
        anyhow::bail!("the statement broke down");
    }
    Ok(ready.outcome)
}

/// Closes a cache that lives as long as the program when the command ends.
struct CloseAtEnd(&'static Cache);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A statement that makes no sense is wrong usage; anything else failed.
fn told(error: SqlError) -> anyhow::Result<Outcome> {
    match error {
        SqlError::Statement(message) => usage(format!("the statement: {message}")),
        error => Err(error.into()),
    }
}

fn cell(value: SqlValue) -> Cell<'static> {
    match value {
        SqlValue::Null => Cell::Absent,
        SqlValue::Integer(number) => Cell::Number(number.into()),
        SqlValue::Real(number) => Cell::Ratio(number),
        SqlValue::Bytes(bytes) => Cell::Owned(bytes),
    }
}
