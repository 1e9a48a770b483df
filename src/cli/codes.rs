//! `codes`: every finding and cause code, or one described.

use crate::cli::Exit;
use crate::cli::args::Codes;
use crate::cli::output::{Output, Trouble};
use crate::finding::{Cause, Code};
use crate::report::{json, text};
use serde_json::Value;

/// Runs the command.
pub fn run(args: &Codes, output: &mut Output) -> Result<Exit, Trouble> {
    let Some(word) = &args.code else {
        return output
            .list(text::codes::list, || {
                let codes = Code::ALL.iter().map(|code| json::code(*code));
                codes
                    .chain(Cause::ALL.iter().map(|cause| json::cause(*cause)))
                    .collect()
            })
            .map(|()| Exit::Yes);
    };
    let Some(described) = text::codes::find(word) else {
        let similar = text::codes::similar(word);
        let hint = if similar.is_empty() {
            "`starttrace codes` lists them".to_owned()
        } else {
            format!("did you mean {}?", similar.join(", "))
        };
        return Err(Trouble::usage(format!("there is no code {word}: {hint}")));
    };
    if output.is_text() {
        return output
            .result(|style| text::codes::page(described, style), || Value::Null)
            .map(|()| Exit::Yes);
    }
    // Some words are a finding's and a cause's, which makes two documents.
    let documents = [
        described.code.map(json::code),
        described.cause.map(json::cause),
    ];
    output.accept(documents.iter().flatten().count())?;
    for document in documents.into_iter().flatten() {
        output.result(|_| String::new(), || document)?;
    }
    Ok(Exit::Yes)
}
