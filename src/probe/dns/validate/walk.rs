//! From a trust anchor down to the keys of a zone (RFC 4035, section 5.2): at
//! each label, whether there is a zone cut, and whether what lies below it is
//! signed. Each step is kept as long as its records live, and taken once however
//! many wait for it: a domain's questions are put all at once, and each has to know
//! whether the domain is signed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::sync::OnceCell;

use crate::probe::dns::client::Dns;
use crate::probe::dns::message::presentation;
use crate::probe::dns::validate::Trouble;
use crate::probe::dns::validate::anchor::Anchors;
use crate::probe::dns::validate::crypto::{covers, is_digest_supported, is_supported};
use crate::probe::dns::validate::denial::Denial;
use crate::probe::dns::validate::judge;
use crate::probe::dns::validate::records::{Ds, Key, Set, sets};
use crate::probe::dns::validate::verify::{Budget, Verified, verify};
use crate::probe::net::Moment;

/// The most steps kept.
const MOST_STEPS: usize = 8192;

/// The longest time a step is kept.
const LONGEST_KEPT: Duration = Duration::from_secs(300);

/// A signed zone, and the keys that sign it.
#[derive(Debug)]
pub struct Zone {
    pub name: Name,
    pub keys: Vec<Key>,
    pub verified: Verified,
}

impl Zone {
    pub fn new(name: Name, keys: Vec<Key>) -> Self {
        Self {
            name,
            keys,
            verified: Verified::default(),
        }
    }
}

/// How a name stands to trust.
#[derive(Debug, Clone)]
pub enum Trust {
    /// It lies in this signed zone.
    Signed(Arc<Zone>),
    /// A signed proof says that it lies below an unsigned delegation.
    Unsigned,
}

/// What is at a name, seen from the zone above.
#[derive(Debug, Clone)]
enum Step {
    /// A signed zone starts here.
    Zone(Arc<Zone>),
    /// An unsigned zone starts here.
    UnsignedZone,
    /// No zone starts here.
    NoCut,
    /// There is no such name, so nothing lies below it.
    NoName,
}

/// Goes down, and remembers.
#[derive(Debug)]
pub struct Walker {
    anchors: Anchors,
    steps: Mutex<HashMap<Name, Arc<Slot>>>,
}

/// A step, or the place where it is waited for.
type Slot = OnceCell<Kept>;

#[derive(Debug)]
struct Kept {
    step: Result<Step, Trouble>,
    since: Moment,
    span: Duration,
}

impl Walker {
    pub fn new(anchors: Anchors) -> Self {
        Self {
            anchors,
            steps: Mutex::default(),
        }
    }

    /// How a name stands to trust.
    pub async fn trust(&self, dns: &Dns, name: &Name, budget: &Budget) -> Result<Trust, Trouble> {
        let Some(anchored) = self.anchors.above(name) else {
            let name = presentation(name);
            return Err(Trouble::Indeterminate(format!(
                "no trust anchor stands above {name}"
            )));
        };
        let mut zone = match self.step(dns, &anchored, None, budget).await? {
            Step::Zone(zone) => zone,
            Step::UnsignedZone | Step::NoCut | Step::NoName => return Ok(Trust::Unsigned),
        };
        for labels in anchored.iter().count() + 1..=name.iter().count() {
            let child = name.trim_to(labels);
            match self.step(dns, &child, Some(&zone), budget).await? {
                Step::Zone(below) => zone = below,
                Step::UnsignedZone => return Ok(Trust::Unsigned),
                Step::NoCut => {}
                Step::NoName => break,
            }
        }
        Ok(Trust::Signed(zone))
    }

    /// What is at a name below a zone; without a zone, at an anchor.
    async fn step(
        &self,
        dns: &Dns,
        name: &Name,
        above: Option<&Arc<Zone>>,
        budget: &Budget,
    ) -> Result<Step, Trouble> {
        let mut own = false;
        let slot = self.slot(dns, name);
        // Where whoever takes the step goes away, the next one who waits does.
        let kept = slot
            .get_or_init(|| {
                own = true;
                Box::pin(self.take(dns, name, above, budget))
            })
            .await;
        match &kept.step {
            // It may have been another question's budget that was spent.
            Err(Trouble::Indeterminate(_)) if !own => {
                Box::pin(self.take(dns, name, above, budget)).await.step
            }
            step => step.clone(),
        }
    }

    async fn take(
        &self,
        dns: &Dns,
        name: &Name,
        above: Option<&Arc<Zone>>,
        budget: &Budget,
    ) -> Kept {
        let (step, span) = match above {
            None => (self.anchored(dns, name, budget).await, LONGEST_KEPT),
            Some(zone) => self.cut(dns, name, zone, budget).await,
        };
        let span = match &step {
            Ok(_) | Err(Trouble::Bogus(_)) => span.min(LONGEST_KEPT),
            // What could not be found out may be found out soon.
            Err(Trouble::Indeterminate(_)) => Duration::ZERO,
        };
        let since = dns.clock().moment();
        Kept { step, since, span }
    }

    async fn anchored(&self, dns: &Dns, name: &Name, budget: &Budget) -> Result<Step, Trouble> {
        let keys = self
            .keys(dns, name, |key| self.anchors.hold(name, key), budget)
            .await
            // Whether the anchor is wrong, or somebody strips signatures, is
            // not the domain's doing.
            .map_err(|trouble| match trouble {
                Trouble::Bogus(why) | Trouble::Indeterminate(why) => {
                    Trouble::Indeterminate(format!("trust has nothing to start from: {why}"))
                }
            })?;
        Ok(Step::Zone(keys))
    }

    /// Whether a zone starts at a name.
    async fn cut(
        &self,
        dns: &Dns,
        name: &Name,
        zone: &Arc<Zone>,
        budget: &Budget,
    ) -> (Result<Step, Trouble>, Duration) {
        let message = match ask(dns, name, RecordType::DS).await {
            Ok(message) => message,
            Err(trouble) => return (Err(trouble), Duration::ZERO),
        };
        let span = lifetime(&message);
        let answers = sets(&message.answers);
        let own = |kind| {
            answers
                .iter()
                .find(|set| set.name == *name && set.kind == kind)
        };
        let step = if let Some(digests) = own(RecordType::DS) {
            self.below(dns, name, zone, digests, budget).await
        } else if let Some(alias) = own(RecordType::CNAME) {
            // Where an alias is, no zone starts (RFC 2181, section 10.1).
            verify(dns, zone, alias, budget).map(|_| Step::NoCut)
        } else {
            denied(dns, name, zone, &message, budget)
        };
        (step, span)
    }

    /// A signed zone starts here, if its keys are those that the DS records
    /// speak of.
    async fn below(
        &self,
        dns: &Dns,
        name: &Name,
        zone: &Arc<Zone>,
        digests: &Set<'_>,
        budget: &Budget,
    ) -> Result<Step, Trouble> {
        verify(dns, zone, digests, budget)?;
        let digests: Vec<Ds> = digests.data().filter_map(Ds::read).collect();
        let known: Vec<&Ds> = digests
            .iter()
            .filter(|ds| is_supported(ds.algorithm) && is_digest_supported(ds.digest_type))
            .collect();
        // RFC 4509, section 3: no weaker digest where a stronger one is there.
        let strong = known.iter().any(|ds| ds.digest_type != 1);
        if known.is_empty() {
            let algorithms: Vec<String> =
                digests.iter().map(|ds| ds.algorithm.to_string()).collect();
            return Err(Trouble::Indeterminate(format!(
                "{} is signed with algorithm {}, which is not known here",
                presentation(name),
                algorithms.join(", ")
            )));
        }
        let trusted = |key: &Key| {
            known
                .iter()
                .filter(|ds| !strong || ds.digest_type != 1)
                .any(|ds| covers(ds, name, key))
        };
        let zone = self.keys(dns, name, trusted, budget).await?;
        Ok(Step::Zone(zone))
    }

    /// A zone's keys, signed by one of them that is trusted already.
    async fn keys(
        &self,
        dns: &Dns,
        name: &Name,
        trusted: impl Fn(&Key) -> bool,
        budget: &Budget,
    ) -> Result<Arc<Zone>, Trouble> {
        let message = ask(dns, name, RecordType::DNSKEY).await?;
        let answers = sets(&message.answers);
        let shown = || match presentation(name) {
            root if root.is_empty() => "the root zone".to_owned(),
            name => name,
        };
        let Some(set) = answers
            .iter()
            .find(|set| set.name == *name && set.kind == RecordType::DNSKEY)
        else {
            return Err(Trouble::Bogus(format!("{} has no keys", shown())));
        };
        let keys: Vec<Key> = set.data().filter_map(Key::read).collect();
        let entry: Vec<Key> = keys.iter().filter(|key| trusted(key)).cloned().collect();
        if entry.is_empty() {
            return Err(Trouble::Bogus(format!(
                "no key of {} is one that the zone above, or the trust anchor, speaks of",
                shown()
            )));
        }
        let entry = Zone::new(name.clone(), entry);
        verify(dns, &entry, set, budget)?;
        Ok(Arc::new(Zone::new(name.clone(), keys)))
    }

    /// The place of a step: a fresh one, one under way, or an empty one.
    fn slot(&self, dns: &Dns, name: &Name) -> Arc<Slot> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |slot: &&Arc<Slot>| {
            slot.get()
                .is_none_or(|kept| dns.clock().since(kept.since) < kept.span)
        };
        if let Some(slot) = steps.get(name).filter(fresh) {
            return Arc::clone(slot);
        }
        if steps.len() >= MOST_STEPS {
            // Rare, and cheaper than bookkeeping at every step.
            steps.clear();
        }
        let slot = Arc::default();
        steps.insert(name.clone(), Arc::clone(&slot));
        slot
    }
}

/// What the zone above says of a name without DS records.
fn denied(
    dns: &Dns,
    name: &Name,
    zone: &Arc<Zone>,
    message: &Message,
    budget: &Budget,
) -> Result<Step, Trouble> {
    let authority = sets(&message.authorities);
    match judge::denial(dns, name, RecordType::DS, zone, &authority, budget)? {
        Denial::NoData { delegation: true } | Denial::OptOut => Ok(Step::UnsignedZone),
        Denial::NoData { delegation: false } => Ok(Step::NoCut),
        Denial::NoName => Ok(Step::NoName),
        Denial::Nothing => Err(Trouble::Bogus(format!(
            "nothing that is signed says whether a zone starts at {}",
            presentation(name)
        ))),
    }
}

/// Asks for what the walk needs, whatever the resolver thinks of it.
async fn ask(dns: &Dns, name: &Name, kind: RecordType) -> Result<Message, Trouble> {
    let message = dns
        .fetch(name, kind)
        .await
        .map_err(|failure| Trouble::Indeterminate(failure.message))?;
    match message.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(message),
        code => Err(Trouble::Indeterminate(format!(
            "{} {kind} was answered with {code}",
            presentation(name)
        ))),
    }
}

fn lifetime(message: &Message) -> Duration {
    let seconds = message
        .answers
        .iter()
        .chain(&message.authorities)
        .map(|record| record.ttl)
        .min();
    Duration::from_secs(seconds.unwrap_or(0).into())
}
