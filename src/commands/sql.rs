//! `tamarin sql`: one SELECT over the cache.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use anyhow::bail;

use super::open_cache::pull_and_open;
use super::{Outcome, args::SqlArgs, context::Context, host_names, interrupt, output, usage};
use crate::cache::Cache;
use crate::export::{self, Cell, Format, Sheet};
use crate::human;
use crate::insight::Scope;
use crate::query::Ask;
use crate::query::sql::{Sql, SqlError, SqlValue};

/// Rows that the statement computes ahead of the output.
const ROWS_AHEAD: usize = 1024;

/// What the thread that runs the statement sends.
enum Message {
    Names(Vec<String>),
    Row(Vec<SqlValue>),
    Failed(SqlError),
}

pub(super) fn run(context: &Context, args: &SqlArgs) -> anyhow::Result<Outcome> {
    if context.options.sort.is_some() {
        return usage("--sort: write ORDER BY into the statement");
    }
    let open = pull_and_open(context, &args.sources)?;
    let query = context.query(&open.sources, args.counting.into(), Ask::Totals);
    let engine = Arc::new(context.engine(open.cache.clone()));
    host_names::look_up(context, &*engine, &Scope::of(&query), &[])?;
    let _close = CloseOnDrop(open.cache.clone());
    let (sender, receiver) = sync_channel::<Message>(ROWS_AHEAD);
    let statement = args.statement.clone();
    let runner = std::thread::spawn(move || {
        // The receiver is gone after a closed pipe or enough rows.
        let result = Sql::new(&engine, query).and_then(|sql| {
            let handle = sql.interrupt_handle();
            let _hook = interrupt::on_signal(move || handle.interrupt());
            sql.run(&statement, &mut |names| drop(sender.send(Message::Names(names))), &mut |row| {
                sender.send(Message::Row(row)).is_ok()
            })
        });
        if let Err(error) = result {
            drop(sender.send(Message::Failed(error)));
        }
    });
    let names = match receiver.recv() {
        Ok(Message::Names(names)) => names,
        Ok(Message::Failed(error)) => return fail(error),
        Ok(Message::Row(_)) | Err(_) => bail!("the thread that runs the statement failed"),
    };
    let failure = RefCell::new(None);
    let top = context.max_rows();
    let mut rows = receiver.iter().map_while(|message| match message {
        Message::Row(row) => Some(row.into_iter().map(cell).collect::<Vec<_>>()),
        Message::Names(_) => None,
        Message::Failed(error) => {
            *failure.borrow_mut() = Some(error);
            None
        }
    });
    let mut out = output::data();
    let sheet = if context.format == Format::Table {
        // The note below the table says whether there are more rows, so all shown rows are read first.
        let shown: Vec<Vec<Cell<'_>>> = rows.by_ref().take(top).collect();
        let note = rows
            .next()
            .map(|_| format!("the first {}; --top 0 shows all", human::counted(shown.len() as u64, "row")));
        if let Some(error) = failure.take() {
            return fail(error);
        }
        Sheet::named(names, Box::new(shown.into_iter()), note)
    } else {
        Sheet::named(names, Box::new(rows.take(top)), None)
    };
    export::write_sheet(sheet, context.format, output::width(), &mut out)?;
    out.flush()?;
    drop(receiver);
    if let Some(error) = failure.into_inner() {
        return fail(error);
    }
    if runner.join().is_err() {
        bail!("the thread that runs the statement failed");
    }
    Ok(open.outcome)
}

/// Closes the cache when the command ends, even if the thread of the statement still uses it.
struct CloseOnDrop(Arc<Cache>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// An error of the statement is wrong usage; other errors are failures.
fn fail(error: SqlError) -> anyhow::Result<Outcome> {
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
