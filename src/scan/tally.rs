//! What came of the lines, counted.

use std::collections::{BTreeMap, HashMap};

use crate::finding::{Code, Severity};
use crate::report::json::scan::{
    DomainBrief, DomainData, FindingCount, ProviderCount, ScanAnswers,
};
use crate::report::json::words::{AnswerWord, ProtectionWord};

/// How many providers are counted at the same time. When there are more, those
/// with the fewest domains are forgotten: a scan of a million domains meets
/// hundreds of thousands that take one domain's mail each.
const MOST_PROVIDERS: usize = 32_768;

/// How many providers and findings a summary names.
const MOST_NAMED: usize = 20;

type Levels = BTreeMap<ProtectionWord, u64>;

/// Domains of one provider, by level: there are many of these.
type Few = Vec<(ProtectionWord, u64)>;

/// What counts of one line.
#[derive(Debug, Clone)]
pub struct Counted {
    level: ProtectionWord,
    answer: AnswerWord,
    findings: Box<[Code]>,
    provider: Option<Box<str>>,
}

impl Counted {
    /// Of a line of results.
    #[must_use]
    pub fn of(line: &DomainData) -> Self {
        Self::new(
            line.protection,
            line.answer,
            &line.findings,
            line.provider.as_deref(),
        )
    }

    /// Of a line that an earlier run wrote.
    #[must_use]
    pub fn of_journalled(line: &DomainBrief) -> Self {
        Self::new(
            line.protection,
            line.answer,
            &line.findings,
            line.provider.as_deref(),
        )
    }

    fn new(
        level: ProtectionWord,
        answer: AnswerWord,
        findings: &[String],
        provider: Option<&str>,
    ) -> Self {
        Self {
            level,
            answer,
            findings: findings
                .iter()
                .filter_map(|word| Code::parse(word))
                .collect(),
            provider: provider.map(Into::into),
        }
    }
}

/// Lines by what came of them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub lines: u64,
    pub levels: Levels,
    pub answers: ScanAnswers,
    findings: HashMap<Code, u64>,
    providers: HashMap<Box<str>, Few>,
}

impl Tally {
    /// Adds a line.
    pub fn add(&mut self, line: &Counted) {
        let level = line.level;
        self.lines += 1;
        *self.levels.entry(level).or_default() += 1;
        match line.answer {
            AnswerWord::Yes => self.answers.yes += 1,
            AnswerWord::No => self.answers.no += 1,
            AnswerWord::Unknown => self.answers.unknown += 1,
        }
        for code in &line.findings {
            *self.findings.entry(*code).or_default() += 1;
        }
        let provider = line.provider.as_deref();
        let Some(provider) = provider else {
            return;
        };
        match self.providers.get_mut(provider) {
            Some(levels) => match levels.iter_mut().find(|(known, _)| *known == level) {
                Some((_, count)) => *count += 1,
                None => levels.push((level, 1)),
            },
            None => {
                if self.providers.len() >= MOST_PROVIDERS {
                    self.forget_small_providers();
                }
                self.providers.insert(provider.into(), vec![(level, 1)]);
            }
        }
    }

    fn forget_small_providers(&mut self) {
        let mut least = 1;
        while self.providers.len() > MOST_PROVIDERS / 2 {
            self.providers.retain(|_, levels| total(levels) > least);
            least *= 2;
        }
    }

    /// How many lines have a level.
    #[must_use]
    pub fn at(&self, level: &str) -> u64 {
        self.levels
            .iter()
            .filter(|(word, _)| word.word() == level)
            .map(|(_, count)| count)
            .sum()
    }

    /// The findings, worst first, then most frequent.
    #[must_use]
    pub fn findings(&self) -> Vec<FindingCount> {
        let mut all: Vec<(Severity, u64, Code)> = self
            .findings
            .iter()
            .map(|(code, count)| (code.severity(), *count, *code))
            .collect();
        all.sort_by_key(|(severity, count, code)| (*severity, u64::MAX - count, *code));
        all.into_iter()
            .map(|(severity, domains, code)| FindingCount {
                code: code.word().to_owned(),
                severity: severity.into(),
                domains,
            })
            .collect()
    }

    /// The providers that take the mail of the most domains.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderCount> {
        let mut all: Vec<(u64, &str, &Few)> = self
            .providers
            .iter()
            .map(|(name, levels)| (total(levels), &**name, levels))
            .collect();
        all.sort_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
        all.into_iter()
            .take(MOST_NAMED)
            .map(|(domains, provider, levels)| ProviderCount {
                provider: provider.to_owned(),
                domains,
                protection: levels.iter().copied().collect(),
            })
            .collect()
    }
}

fn total(levels: &[(ProtectionWord, u64)]) -> u64 {
    levels.iter().map(|(_, count)| count).sum()
}
