//! What the pages of `trace` and `explain` share: the hop table, the quoted
//! lines with marks under the words that matter, and the note on trust.

use std::fmt::Write as _;

use crate::answer::Standing;
use crate::report::text::escape;
use crate::report::text::layout::{Align, COLUMNS, Cell, Table, clip, width, wrap};
use crate::report::text::style::{Paint, Style};
use crate::trace::chain::{Chain, EndToEnd, Hop, Leg, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};

/// A chain may have thousands of hops; a page shows so many of them.
const MOST_ROWS: usize = 100;

/// What a page says of a hop, in the trace's or the explanation's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Encrypted,
    /// No TLS, and how sure that is.
    Clear(Standing),
    Unknown,
    Inside,
    NotSmtp,
}

impl Shown {
    /// What the trace alone says.
    pub(super) fn traced(hop: &Hop) -> Self {
        match hop.tls.state {
            TlsState::Encrypted => Self::Encrypted,
            TlsState::NotApplicable => Self::Inside,
            TlsState::Cleartext | TlsState::Unstated if !hop.is_exposed() => Self::Inside,
            TlsState::Cleartext => Self::Clear(hop.tls.standing.unwrap_or(Standing::Possible)),
            TlsState::Unstated => Self::Unknown,
        }
    }

    /// Whether it is as good as certain that the hop lacked TLS.
    pub(super) fn is_clear(self) -> bool {
        matches!(self, Self::Clear(standing) if standing <= Standing::Likely)
    }

    /// Whether there is something to say about the hop.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Clear(_) | Self::Unknown)
    }

    fn cell(self, hop: &Hop) -> Cell {
        match self {
            Self::Encrypted => {
                let version = hop.tls.version.map(|version| version.name());
                let text = version.map_or("yes", |name| match name {
                    "TLSv1" => "1.0",
                    name => name.strip_prefix("TLSv").unwrap_or(name),
                });
                Cell::painted(Paint::Good, text)
            }
            Self::Clear(standing) if standing <= Standing::Likely => {
                Cell::painted(Paint::Bad, "none")
            }
            Self::Clear(_) => Cell::painted(Paint::Doubtful, "none?"),
            Self::Unknown => Cell::painted(Paint::Doubtful, "unknown"),
            Self::Inside => Cell::painted(Paint::Quiet, "inside"),
            Self::NotSmtp => Cell::painted(Paint::Quiet, "not SMTP"),
        }
    }
}

/// The name of the message: its path, and which one of many it is.
pub(super) fn title(chain: &Chain) -> String {
    let path = match &*chain.source.path {
        "-" => "standard input",
        path => path,
    };
    let path = escape::text(path);
    match chain.source.index {
        0 => path.into_owned(),
        index => format!("{path} message {}", index + 1),
    }
}

/// `4 hops`.
pub(super) fn count(chain: &Chain) -> String {
    match chain.hops.len() {
        1 => "1 hop".into(),
        n => format!("{n} hops"),
    }
}

/// The first line, painted, and wrapped where a path is long.
pub(super) fn headline(text: &str, paint: Paint, style: Style) -> String {
    let mut out = String::new();
    let mut room = COLUMNS;
    let mut rest = wrap(text, room).into_iter();
    if let Some(first) = rest.next() {
        let _ = writeln!(out, "{}", style.paint(paint, &first));
        room = COLUMNS - 2;
    }
    let rest: Vec<String> = rest.collect();
    for line in wrap(&rest.join(" "), room) {
        if !line.is_empty() {
            let _ = writeln!(out, "  {}", style.paint(paint, &line));
        }
    }
    out
}

/// `hop 3 crossed the Internet without TLS`, for one hop or several.
pub(super) fn clear_words(hops: &[&Hop]) -> String {
    let numbers: Vec<usize> = hops.iter().map(|hop| hop.number).collect();
    let way = if hops.iter().all(|hop| hop.leg == Leg::Internet) {
        "crossed the Internet"
    } else if hops.iter().all(|hop| hop.leg == Leg::Submission) {
        if hops.len() == 1 {
            "was submitted"
        } else {
            "were submitted"
        }
    } else if hops.len() == 1 {
        "was sent"
    } else {
        "were sent"
    };
    format!("{} {way} without TLS", hop_list(&numbers))
}

/// `hop 3`, `hops 1 and 2`, `hops 1, 2 and 5`, `hops 1, 2, 3 and 40 more`.
pub(super) fn hop_list(numbers: &[usize]) -> String {
    const MOST: usize = 6;
    match numbers {
        [] => "no hop".into(),
        [one] => format!("hop {one}"),
        many => format!("hops {}", number_list(many, MOST)),
    }
}

fn number_list(numbers: &[usize], most: usize) -> String {
    let words = |numbers: &[usize]| {
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if numbers.len() > most {
        let (shown, rest) = numbers.split_at(most);
        return format!("{} and {} more", words(shown), rest.len());
    }
    match numbers.split_last() {
        Some((last, [])) => last.to_string(),
        Some((last, rest)) => format!("{} and {last}", words(rest)),
        None => String::new(),
    }
}

/// The hop table; hops without TLS are marked.
pub(super) fn table(chain: &Chain, shown: &[Shown], style: Style) -> String {
    let mut out = String::new();
    let rows: Vec<(&Hop, Shown)> = chain.hops.iter().zip(shown.iter().copied()).collect();
    let (head, tail) = if rows.len() > MOST_ROWS {
        (&rows[..MOST_ROWS / 2], &rows[rows.len() - MOST_ROWS / 2..])
    } else {
        (&rows[..], &rows[..0])
    };
    let visible = || head.iter().chain(tail);
    // What is left of the page for the two names, evenly unless one needs less.
    let digits = chain.hops.len().to_string().len();
    let withs = visible().map(|(hop, _)| width(&with_word(hop))).max();
    let withs = withs.unwrap_or(0).max(4);
    let room = COLUMNS - 2 - (digits + 2).max(3) - withs - 8 - 4 * 2;
    let longest = |name: fn(&Hop) -> String| {
        let widths = visible().map(|(hop, _)| width(&name(hop)));
        widths.max().unwrap_or(0).max(4)
    };
    let (from, by) = (longest(from_name), longest(by_name));
    let half = room / 2;
    let from_room = if by < half { room - by } else { half }.min(from);
    let by_room = (room - from_room).min(by);

    let mut grid = Table::new(&[
        Align::Right,
        Align::Left,
        Align::Left,
        Align::Left,
        Align::Left,
    ]);
    grid.row([
        "hop".into(),
        "from".into(),
        "by".into(),
        "with".into(),
        "TLS".into(),
    ]);
    for (i, (hop, shown)) in visible().enumerate() {
        if i == head.len() && !tail.is_empty() {
            let left_out = rows.len() - head.len() - tail.len();
            grid.row([
                "...".into(),
                format!("{left_out} more hops").into(),
                Cell::default(),
                Cell::default(),
                Cell::default(),
            ]);
        }
        let number = if shown.is_clear() {
            Cell::painted(Paint::Bad, format!("> {}", hop.number))
        } else {
            hop.number.to_string().into()
        };
        grid.row([
            number,
            clip_name(&from_name(hop), from_room).into(),
            clip_name(&by_name(hop), by_room).into(),
            with_word(hop).into(),
            shown.cell(hop),
        ]);
    }
    out.push_str(&grid.render(2, style));
    out
}

fn from_name(hop: &Hop) -> String {
    let Some(from) = &hop.received.from else {
        return "-".into();
    };
    let known = |name: &&String| !name.is_empty() && !name.eq_ignore_ascii_case("unknown");
    let name = from
        .rdns
        .as_ref()
        .filter(known)
        .or(from.helo.as_ref().filter(known))
        .or(from.token.as_ref().filter(known));
    match (name, from.ip) {
        (Some(name), _) => escape::text(name).into_owned(),
        (None, Some(ip)) => ip.to_string(),
        (None, None) => "-".into(),
    }
}

fn by_name(hop: &Hop) -> String {
    let by = hop.received.by.as_ref();
    match by.map(|by| (by.host.as_deref(), by.ip)) {
        Some((Some(name), _)) => escape::text(name).into_owned(),
        Some((None, Some(ip))) => ip.to_string(),
        Some((None, None)) | None => "-".into(),
    }
}

/// The receiving host as to be named in a sentence; escaped.
pub(super) fn by_label(hop: &Hop) -> String {
    match by_name(hop).as_str() {
        "-" => "the receiving host".into(),
        name => clip_name(name, 60),
    }
}

/// The sending host as to be named in a sentence; escaped.
pub(super) fn from_label(hop: &Hop) -> String {
    match from_name(hop).as_str() {
        "-" => "the sending host".into(),
        name => clip_name(name, 60),
    }
}

fn with_word(hop: &Hop) -> String {
    let with = hop.received.with.as_ref();
    let word = with.map_or("-", |piece| {
        piece.text.split_whitespace().next().unwrap_or("-")
    });
    // `Microsoft SMTP Server`, `CIPHER encrypted SMTP`: the word that says SMTP.
    let smtp = with.and_then(|piece| {
        piece.text.split_whitespace().find(|word| {
            word.get(..word.len().min(32))
                .is_some_and(|word| word.to_ascii_uppercase().contains("SMTP"))
        })
    });
    // `ESMTP/TLS/CIPHER`: the cipher has no room here.
    let word = smtp.unwrap_or(word).split('/').next().unwrap_or("-");
    clip(&escape::text(word), 10)
}

/// Cuts a name in its middle: the front tells the host, the end whose it is.
pub(super) fn clip_name(name: &str, columns: usize) -> String {
    const FRONT: usize = 6;
    if width(name) <= columns {
        return name.to_owned();
    }
    if !name.is_ascii() || columns < FRONT + 6 {
        return clip(name, columns);
    }
    let tail = name.len() - (columns - FRONT - 3);
    let tail = name[tail..].trim_start_matches(['.', '-']);
    format!("{}...{tail}", &name[..FRONT])
}

/// Why nothing can be said of a silent hop, in a clause; escaped.
pub(super) fn silence(hop: &Hop) -> String {
    let evidence = &hop.tls.evidence;
    let habit = evidence
        .iter()
        .find(|e| e.kind == EvidenceKind::SoftwareHabit)
        .or_else(|| evidence.iter().find(|e| e.says == Says::Silent))
        .map(|e| escape::text(&e.text).into_owned());
    habit.unwrap_or_else(|| match &hop.software {
        Some(software) => format!(
            "what silence of {} means is not known",
            escape::text(&software.name)
        ),
        None => "the software that wrote the line is not recognised".into(),
    })
}

/// Who stands behind which lines.
pub(super) fn trust(chain: &Chain) -> String {
    let of = |trust: Trust| -> Vec<usize> {
        let hops = chain.hops.iter().filter(|hop| hop.trusted == trust);
        hops.map(|hop| hop.number).collect()
    };
    let was = |numbers: &[usize]| if numbers.len() == 1 { "was" } else { "were" };
    let mut parts = Vec::new();
    let own = of(Trust::Own);
    if !own.is_empty() {
        parts.push(format!(
            "{} {} written on the mailbox's own side",
            hop_list(&own),
            was(&own)
        ));
    }
    let vouched = of(Trust::Vouched);
    if !vouched.is_empty() {
        parts.push(format!(
            "{} by the host that delivered there",
            hop_list(&vouched)
        ));
    }
    let mut below = of(Trust::Below);
    below.extend(of(Trust::Unknown));
    below.sort_unstable();
    if !below.is_empty() {
        parts.push(format!("{} could be forged", hop_list(&below)));
    }
    format!("Trust: {}.", parts.join("; "))
}

/// What encryption from writer to reader means for the answer.
pub(super) fn end_to_end(chain: &Chain) -> Option<&'static str> {
    match chain.message.end_to_end {
        EndToEnd::None => None,
        EndToEnd::SmimeEncrypted => Some(
            "The text itself was encrypted by its writer (S/MIME); hops without TLS show who \
             wrote to whom, and the header.",
        ),
        EndToEnd::PgpMime | EndToEnd::PgpInline => Some(
            "The text itself was encrypted by its writer (OpenPGP); hops without TLS show who \
             wrote to whom, and the header.",
        ),
    }
}
