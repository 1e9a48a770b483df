//! The exit status, which people script against.

use std::process::ExitCode;

use crate::answer::Answer;

/// What the run as a whole says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: yes.
    Yes,
    /// 1: no.
    No,
    /// 2: wrong usage or unreadable input.
    Usage,
    /// 3: cannot tell.
    CannotTell,
    /// 4: trouble on this machine (port 25 blocked here, disk full).
    TroubleHere,
}

impl Exit {
    /// The status handed to the shell.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::CannotTell => 3,
            Self::TroubleHere => 4,
        }
    }

    /// Of several, the worst, in the order 2, 4, 1, 3, 0.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Usage => 4,
            Self::TroubleHere => 3,
            Self::No => 2,
            Self::CannotTell => 1,
            Self::Yes => 0,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }

    /// The status of one result: trouble on this machine hides an answer only
    /// where there is none.
    #[must_use]
    pub fn of(answer: Answer, trouble_here: bool) -> Self {
        match answer {
            Answer::Yes => Self::Yes,
            Answer::No => Self::No,
            Answer::Unknown if trouble_here => Self::TroubleHere,
            Answer::Unknown => Self::CannotTell,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_wins_in_the_published_order() {
        let order = [
            Exit::Usage,
            Exit::TroubleHere,
            Exit::No,
            Exit::CannotTell,
            Exit::Yes,
        ];
        for (i, worse) in order.iter().enumerate() {
            for better in &order[i..] {
                assert_eq!(better.worst(*worse), *worse);
                assert_eq!(worse.worst(*better), *worse);
            }
        }
        assert_eq!(order.map(Exit::status), [2, 4, 1, 3, 0]);
    }

    #[test]
    fn trouble_here_never_hides_an_answer() {
        assert_eq!(Exit::of(Answer::Yes, true), Exit::Yes);
        assert_eq!(Exit::of(Answer::No, true), Exit::No);
        assert_eq!(Exit::of(Answer::Unknown, true), Exit::TroubleHere);
        assert_eq!(Exit::of(Answer::Unknown, false), Exit::CannotTell);
    }
}
