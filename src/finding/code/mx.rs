//! Codes about where a domain's mail goes: MX records and their hosts.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const NULL_MX: Words = Words {
    severity: Note,
    standard: Some("RFC 7505, section 3"),
    tlsrpt: None,
    summary: "the domain says that it takes no mail",
    means: "Its only MX record is \".\" with preference 0. Senders return mail to it at \
            once.",
    fix: None,
};
pub(super) const NULL_MX_BESIDE_OTHERS: Words = Words {
    severity: Warning,
    standard: Some("RFC 7505, section 3"),
    tlsrpt: None,
    summary: "an MX record says \"takes no mail\" beside others that take it",
    means: "The records contradict each other. Most senders use the other hosts; some \
            return the mail.",
    fix: Some("remove the MX record \".\", or all the others"),
};
pub(super) const NXDOMAIN: Words = Words {
    severity: Error,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "the name does not exist",
    means: "The name service says for certain that there is no such name, so mail to it \
            is returned.",
    fix: Some("check the spelling"),
};
pub(super) const NO_DATA: Words = Words {
    severity: Error,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "the name exists, but nothing says where its mail goes",
    means: "It has no MX record and no address, so mail to it is returned.",
    fix: Some("publish an MX record; for a domain without mail, the null MX of RFC 7505"),
};
pub(super) const SERVFAIL: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "the name service failed to answer",
    means: "The resolver could not get an answer, or refuses one whose signatures do not \
            hold. Senders keep the mail and try again: unknown, not bad.",
    fix: Some(
        "try again, or another --resolver; if all fail, the domain's name servers or \
         signatures are broken",
    ),
};
pub(super) const DNS_TIMEOUT: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "the resolver did not answer in time",
    means: "Senders would keep the mail and try again: unknown, not bad.",
    fix: Some("try again, or ask another resolver with --resolver"),
};
pub(super) const DNS_REFUSED: Words = Words {
    severity: Warning,
    standard: Some("RFC 1035, section 4.1.1"),
    tlsrpt: None,
    summary: "the resolver refused to answer",
    means: "It does not serve this machine, or not this name: unknown, not bad.",
    fix: Some("ask another resolver with --resolver"),
};
pub(super) const RESOLVER_UNREACHABLE: Words = Words {
    severity: Warning,
    standard: Some("RFC 1035, section 7.2"),
    tlsrpt: None,
    summary: "the resolver cannot be asked",
    means: "Nothing answers at its address and port, or there is no way to it from here. \
            It says nothing about the domain: unknown, not bad.",
    fix: Some("start the resolver, or ask another one with --resolver"),
};
pub(super) const RESOLVER_UNTRUSTED: Words = Words {
    severity: Warning,
    standard: Some("RFC 8310, section 8.1"),
    tlsrpt: None,
    summary: "what answers over TLS does not prove to be the resolver",
    means: "Its certificate is not valid for the name given, or no trusted authority \
            vouches for it, so it was not asked: unknown, not bad.",
    fix: Some("give the name that its certificate bears, or the authority with --ca-file"),
};
pub(super) const DNSSEC_BOGUS: Words = Words {
    severity: Error,
    standard: Some("RFC 4035, section 4.3"),
    tlsrpt: Some("dnssec-invalid"),
    summary: "the signatures of a DNS answer do not hold",
    means: "The zone is signed wrongly, or somebody alters the answers on the way. \
            Senders with a validating resolver cannot deliver; they keep the mail and \
            try again.",
    fix: Some("renew the zone's signatures, and compare its DS record with its keys"),
};
pub(super) const DNSSEC_INDETERMINATE: Words = Words {
    severity: Note,
    standard: Some("RFC 4035, section 4.3"),
    tlsrpt: None,
    summary: "whether a DNS answer is signed could not be found out",
    means: "The signatures could not be fetched, so nothing is claimed either way.",
    fix: Some("ask a validating resolver with --resolver"),
};
pub(super) const MX_TARGET_IS_CNAME: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "an MX record names an alias",
    means: "An MX host must have addresses of its own. Most senders follow the alias, \
            some refuse, and certificates may bear the other name.",
    fix: Some("name the host itself in the MX record"),
};
pub(super) const MX_TARGET_UNRESOLVABLE: Words = Words {
    severity: Error,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "an MX record names a host without address",
    means: "No sender can reach this host; mail goes to the others, or back if there are \
            none.",
    fix: Some("give the host an address record, or remove it from the MX records"),
};
pub(super) const MX_IS_ADDRESS_LITERAL: Words = Words {
    severity: Error,
    standard: Some("RFC 5321, section 5.1"),
    tlsrpt: None,
    summary: "an MX record holds an IP address where a name must stand",
    means: "Senders look the digits up as a host name and find none; a few connect \
            nevertheless. No certificate can prove such a name.",
    fix: Some("name a host in the MX record, and give that host the address"),
};
pub(super) const MX_IS_SINGLE_LABEL: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 2.3.5"),
    tlsrpt: None,
    summary: "an MX record names a host without a domain",
    means: "A single label such as \"mail\" or \"localhost\" means something else on \
            every network; no public certificate can prove it.",
    fix: Some("write the host's full name into the MX record (mind the final dot)"),
};
pub(super) const MX_ADDRESS_PRIVATE: Words = Words {
    severity: Warning,
    standard: Some("RFC 6890, section 2.2"),
    tlsrpt: None,
    summary: "an MX host has an address that is not public",
    means: "Loopback and private addresses lead every sender into its own network. Mail \
            from outside never arrives there.",
    fix: Some("publish the public address, or remove the record"),
};
pub(super) const MX_HOSTS_DIFFER: Words = Words {
    severity: Warning,
    standard: None,
    tlsrpt: None,
    summary: "some MX hosts have TLS, others do not",
    means: "Which host takes a message depends on preference, chance and outages, so mail \
            sent now may go in cleartext. Backup hosts are the usual weak ones.",
    fix: Some("give every MX host working STARTTLS, or remove the ones without"),
};
pub(super) const ADDRESS_FAMILIES_DIFFER: Words = Words {
    severity: Warning,
    standard: None,
    tlsrpt: None,
    summary: "a host has TLS over IPv4 but not over IPv6, or the reverse",
    means: "Senders choose the family themselves, so mail may go in cleartext. Often a \
            different machine or a firewall stands behind one of the two.",
    fix: Some("configure both addresses alike, or remove the record of one family"),
};
pub(super) const ADDRESSES_DIFFER: Words = Words {
    severity: Warning,
    standard: None,
    tlsrpt: None,
    summary: "some addresses of a host have TLS, others do not",
    means: "Senders choose among the addresses by chance, so mail may go in cleartext. \
            Often one machine of a pool was forgotten.",
    fix: Some("configure every machine behind the name alike"),
};
pub(super) const SUBMISSION_PORT: Words = Words {
    severity: Note,
    standard: Some("RFC 8314, section 3.3"),
    tlsrpt: None,
    summary: "this port is for mail programs, not for mail between servers",
    means: "Port 587 takes mail from mail programs with STARTTLS, port 465 inside TLS from \
            the first octet. Neither tells anything about port 25, where mail servers \
            deliver to each other: MX records, DANE for SMTP, MTA-STS and TLSRPT are about \
            that.",
    fix: Some("leave --port out to see how mail from other servers travels"),
};
