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
const MOST_PROVIDERS: usize = 65_536;

/// How many providers and findings a summary names.
const MOST_NAMED: usize = 20;

type Levels = BTreeMap<ProtectionWord, u64>;

/// Lines by what came of them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub lines: u64,
    pub levels: Levels,
    pub answers: ScanAnswers,
    findings: HashMap<Code, u64>,
    providers: HashMap<String, Levels>,
}

impl Tally {
    /// Adds a line.
    pub fn add(&mut self, line: &DomainData) {
        self.count(
            line.protection,
            line.answer,
            &line.findings,
            line.provider.as_deref(),
        );
    }

    /// Adds a line that an earlier run wrote.
    pub fn add_journalled(&mut self, line: &DomainBrief) {
        self.count(
            line.protection,
            line.answer,
            &line.findings,
            line.provider.as_deref(),
        );
    }

    fn count(
        &mut self,
        level: ProtectionWord,
        answer: AnswerWord,
        findings: &[String],
        provider: Option<&str>,
    ) {
        self.lines += 1;
        *self.levels.entry(level).or_default() += 1;
        match answer.word() {
            "yes" => self.answers.yes += 1,
            "no" => self.answers.no += 1,
            _ => self.answers.unknown += 1,
        }
        for code in findings.iter().filter_map(|word| Code::parse(word)) {
            *self.findings.entry(code).or_default() += 1;
        }
        let Some(provider) = provider else {
            return;
        };
        match self.providers.get_mut(provider) {
            Some(levels) => *levels.entry(level).or_default() += 1,
            None => {
                if self.providers.len() >= MOST_PROVIDERS {
                    self.forget_small_providers();
                }
                let levels = Levels::from([(level, 1)]);
                self.providers.insert(provider.to_owned(), levels);
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
        let mut all: Vec<(u64, &String, &Levels)> = self
            .providers
            .iter()
            .map(|(name, levels)| (total(levels), name, levels))
            .collect();
        all.sort_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
        all.into_iter()
            .take(MOST_NAMED)
            .map(|(domains, provider, levels)| ProviderCount {
                provider: provider.clone(),
                domains,
                protection: levels.clone(),
            })
            .collect()
    }
}

fn total(levels: &Levels) -> u64 {
    levels.values().sum()
}
