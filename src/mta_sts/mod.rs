//! MTA-STS: a policy that a domain publishes over HTTPS, by which senders
//! insist on TLS and on a trusted certificate (RFC 8461). Pure: texts and facts
//! come in as data.
//!
//! In the order of use:
//!
//! 1. [`record::discover`]: the TXT record at `_mta-sts`, which says that there
//!    is a policy (section 3.1);
//! 2. [`policy::url`], then [`policy::media_type`] and [`policy::Policy::parse`]:
//!    where the policy is and what it says (sections 3.2 and 3.3);
//! 3. [`pattern::compare`]: the policy's patterns against the MX records, both
//!    ways (section 4.1);
//! 4. [`evaluate::evaluate`] and [`evaluate::conduct`]: one host under the
//!    policy, and what a sender then does (sections 4.2 and 5).
//!
//! Senders differ in how strictly they read. What the grammar forbids is a
//! fault; what it allows and some senders refuse, or what weakens the policy,
//! is an advisory.
//!
//! Not supported: caching. A sender may hold an older policy that still
//! applies (section 3.3), which nobody but that sender can see.

pub mod evaluate;
pub mod pattern;
pub mod policy;
pub mod record;
