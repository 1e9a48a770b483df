//! How many files may be open, and what a scan makes of that.

/// What the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenFiles {
    /// Connections to mail hosts at the same time.
    pub(super) connections: u32,
    /// Domains under way at the same time.
    pub(super) domains: usize,
    /// Questions to the DNS at the same time.
    pub(super) questions: usize,
}

/// No more than this, whatever is allowed: memory is limited too.
const MOST_CONNECTIONS: u64 = 1024;
const MOST_DOMAINS: u64 = 2048;
/// Few domains under way have few questions: no queue is wanted besides, in
/// which questions to a resolver that died would hold up those behind them.
const LEAST_QUESTIONS: u64 = 200;
const MOST_QUESTIONS: u64 = 512;

/// What is assumed where the limit cannot be asked for.
const USUAL: u64 = 1024;

impl OpenFiles {
    /// Asks for as many as this process may have, and divides them: connections
    /// to mail hosts and to those of policies together, and questions to the DNS,
    /// of which a domain under way has a few, come to less than half.
    pub(super) fn find() -> Self {
        Self::of(limit())
    }

    fn of(limit: u64) -> Self {
        let domains = (limit / 8).clamp(4, MOST_DOMAINS);
        let connections = (limit / 4).clamp(4, MOST_CONNECTIONS);
        let questions = (limit / 8).clamp(LEAST_QUESTIONS, MOST_QUESTIONS);
        Self {
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
            domains: usize::try_from(domains).unwrap_or(usize::MAX),
            questions: usize::try_from(questions).unwrap_or(usize::MAX),
        }
    }
}

#[cfg(unix)]
fn limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // The soft limit guards programs of long ago; the hard one is meant.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(USUAL),
    }
}

#[cfg(not(unix))]
fn limit() -> u64 {
    USUAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_used_up() {
        for (limit, connections, domains, questions) in [
            (u64::MAX, 1024, 2048, 512),
            (20_000, 1024, 2048, 512),
            (1024, 256, 128, 200),
            (64, 16, 8, 200),
            (0, 4, 4, 200),
        ] {
            assert_eq!(
                OpenFiles::of(limit),
                OpenFiles {
                    connections,
                    domains,
                    questions
                },
                "{limit}"
            );
        }
    }
}
