//! What a server says: a list of lines and directives.
//!
//! A plain string is a line, sent with CR LF; `{host}` stands for the server's
//! name; `¦` cuts the segment there. Strings that begin with `!` are directives:
//!
//! | directive | does |
//! |---|---|
//! | `!pause S` | waits S seconds of the world's clock |
//! | `!raw TEXT` | sends TEXT without a line end |
//! | `!lf TEXT` | sends TEXT with LF alone |
//! | `!hex 0a ff` | sends these octets |
//! | `!repeat N TEXT` | sends N lines |
//! | `!long N` | sends N octets without a line end |
//! | `!drip S TEXT` | sends the line one octet every S seconds |
//! | `!endless TEXT` | sends TEXT for ever, without a line end |
//! | `!flood TEXT` | sends lines for ever |
//! | `!await` | waits until the client has sent something, and drops it |
//! | `!silence` | says nothing more, until the client goes |
//! | `!close` | closes |
//! | `!tls` | shakes hands (after STARTTLS) |

/// One step of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Octets(Vec<u8>),
    /// The segment ends here.
    Cut,
    Pause(f64),
    Drip {
        every: f64,
        octets: Vec<u8>,
    },
    Endless(Vec<u8>),
    Await,
    Silence,
    Close,
    Tls,
}

/// Reads a script.
pub fn parse(lines: &[String], host: &str) -> Vec<Step> {
    lines
        .iter()
        .flat_map(|line| parse_line(&line.replace("{host}", host)))
        .collect()
}

fn parse_line(line: &str) -> Vec<Step> {
    let Some(directive) = line.strip_prefix('!') else {
        let mut steps = Vec::new();
        let mut pieces = line.split('¦').peekable();
        while let Some(piece) = pieces.next() {
            let mut octets = piece.as_bytes().to_vec();
            if pieces.peek().is_none() {
                octets.extend_from_slice(b"\r\n");
                steps.push(Step::Octets(octets));
            } else {
                steps.push(Step::Octets(octets));
                steps.push(Step::Cut);
            }
        }
        return steps;
    };
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    let step = match word {
        "pause" => Step::Pause(rest.parse().expect("seconds")),
        "raw" => Step::Octets(rest.as_bytes().to_vec()),
        "lf" => Step::Octets(format!("{rest}\n").into_bytes()),
        "hex" => Step::Octets(
            rest.split_whitespace()
                .map(|h| u8::from_str_radix(h, 16).expect("a hexadecimal octet"))
                .collect(),
        ),
        "repeat" => {
            let (count, text) = rest.split_once(' ').expect("a count and a text");
            Step::Octets(
                format!("{text}\r\n")
                    .repeat(count.parse().expect("a count"))
                    .into_bytes(),
            )
        }
        "long" => Step::Octets(vec![b'x'; rest.parse().expect("a count")]),
        "drip" => {
            let (every, text) = rest.split_once(' ').expect("seconds and a text");
            Step::Drip {
                every: every.parse().expect("seconds"),
                octets: format!("{text}\r\n").into_bytes(),
            }
        }
        "endless" => Step::Endless(rest.repeat(4096 / rest.len().max(1)).into_bytes()),
        "flood" => Step::Endless(
            format!("{rest}\r\n")
                .repeat(4096 / (rest.len() + 2))
                .into_bytes(),
        ),
        "await" => Step::Await,
        "silence" => Step::Silence,
        "close" => Step::Close,
        "tls" => Step::Tls,
        other => panic!("no directive !{other}"),
    };
    vec![step]
}
