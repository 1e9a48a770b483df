//! The pages of `history`: what is known, what changed, what was removed.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::history::change::{Change, Direction, Judged};
use crate::history::{Known, Pruned};
use crate::report::text::escape;
use crate::report::text::layout::{Align, Cell, Table, paragraph};
use crate::report::text::style::{Paint, Style};

/// Every domain, a line each.
#[must_use]
pub fn list(known: &[Known], witnesses: (u64, u64), style: Style) -> String {
    let mut out = String::new();
    if known.is_empty() {
        out.push_str("no observation\n");
    } else {
        let columns = [
            Align::Left,
            Align::Right,
            Align::Left,
            Align::Left,
            Align::Left,
        ];
        let mut table = Table::new(&columns).at_most(0, 36);
        table.row(
            ["domain", "seen", "first", "last", "level"]
                .map(|head| Cell::painted(Paint::Quiet, head)),
        );
        for domain in known {
            table.row([
                Cell::from(escape::text(&domain.domain)),
                Cell::from(domain.observations.to_string()),
                Cell::from(day(domain.first)),
                Cell::from(day(domain.last)),
                Cell::from(escape::text(&domain.protection)),
            ]);
        }
        out.push_str(&table.render(0, style));
    }
    let (count, hosts) = witnesses;
    if count > 0 {
        out.push_str(&format!(
            "\n{count} {} by messages of what {hosts} {} recorded\n",
            plural(count, "witness", "witnesses"),
            plural(hosts, "host", "hosts"),
        ));
    }
    out
}

/// What changed in one domain; nothing where nothing did.
#[must_use]
pub fn diff(before: &Judged, after: &Judged, changes: &[Change], style: Style) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let head = format!(
        "{}: {} {} between {} and {}",
        after.observation.domain,
        changes.len(),
        plural(changes.len() as u64, "change", "changes"),
        minute(before.observation.at),
        minute(after.observation.at)
    );
    let worst = changes.iter().any(|c| c.direction == Direction::Worse);
    let paint = if worst { Paint::Bad } else { Paint::Strong };
    let mut out = format!("{}\n", style.paint(paint, &escape::text(&head)));
    for change in changes {
        let word = match change.direction {
            Direction::Other => change.kind.word().to_owned(),
            direction => format!("{}, {}", change.kind.word(), direction.word()),
        };
        out.push_str(&paragraph(
            "  ",
            &format!("{word}: {}", escape::text(&change.subject)),
        ));
        let since = if change.since == before.observation.at {
            String::new()
        } else {
            format!(" ({})", minute(change.since))
        };
        out.push_str(&paragraph(
            "    before  ",
            &format!("{}{since}", escape::text(&change.before)),
        ));
        out.push_str(&paragraph("    after   ", &escape::text(&change.after)));
    }
    out
}

/// What was removed.
#[must_use]
pub fn pruned(pruned: &Pruned) -> String {
    format!(
        "removed {} {} and {} {}; the file went from {} to {} octets\n",
        pruned.observations,
        plural(pruned.observations, "observation", "observations"),
        pruned.witnesses,
        plural(pruned.witnesses, "witness", "witnesses"),
        pruned.before,
        pruned.after
    )
}

fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}
