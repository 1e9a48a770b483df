//! Why a hop may lack TLS: every cause code with its words.
//!
//! One row of `causes!` is one cause: its published word, the strongest
//! standing that circumstantial evidence may ever give it, one line, what it
//! is, and the observation that would settle it. The rules that weigh a cause
//! for a hop stand in `explain::causes`. A statement made at the time by a
//! party of the hop (its log, a report under RFC 8460) is not circumstantial
//! and may prove any of them.

use crate::answer::Standing;

macro_rules! causes {
    ($($variant:ident = $word:literal, $ceiling:ident, $summary:literal, $means:literal, $settle:literal;)*) => {
        /// A cause for a hop without TLS.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause { $($variant,)* }

        impl Cause {
            /// Every cause, in the order of the published list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// One line, without a final dot.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }

            /// What it is, in one to three sentences.
            #[must_use]
            pub fn means(self) -> &'static str {
                match self { $(Self::$variant => $means,)* }
            }

            /// The strongest standing that headers and probes may give it.
            #[must_use]
            pub fn ceiling(self) -> Standing {
                match self { $(Self::$variant => Standing::$ceiling,)* }
            }

            /// The observation that would settle it, and whom to ask.
            #[must_use]
            pub fn settle(self) -> &'static str {
                match self { $(Self::$variant => $settle,)* }
            }
        }
    };
}

impl Cause {
    /// The cause of this word, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|cause| cause.word().eq_ignore_ascii_case(word))
    }
}

causes! {
    StarttlsNotOffered = "starttls-not-offered", Likely,
        "the receiver offers STARTTLS to nobody",
        "The receiving host does not list STARTTLS in its answer to EHLO, so no sender can use TLS with it.",
        "The receiver's configuration and log of that day; a second probe from another network.";
    StarttlsOfferedSelectively = "starttls-offered-selectively", Likely,
        "the receiver offers STARTTLS to some clients only",
        "Some servers hide STARTTLS from chosen clients: by address, by reputation, or because TLS with them broke before (Postfix smtpd_discard_ehlo_keyword_address_maps). RFC 7672, section 9.2 forbids it where TLSA records are published.",
        "The receiver's keyword maps for this client; a probe from the sender's network.";
    ReceiverRemembersFailure = "receiver-remembers-failure", Possible,
        "the receiver stopped offering STARTTLS after a failure with this client",
        "Haraka can remember a client whose handshake failed and not offer STARTTLS to it for a while (an hour by default, where it is turned on).",
        "The receiver's log of the hour before, for this client.";
    StarttlsTemporarilyRefused = "starttls-temporarily-refused", Likely,
        "the receiver offers STARTTLS and answers it with 454 or another 4yz",
        "TLS is offered but not available at the moment (RFC 3207, section 4), often because the server cannot read its key. Many senders go on in cleartext.",
        "The receiver's log at that second; a second probe hours later.";
    StarttlsRefused = "starttls-refused", Likely,
        "the receiver offers STARTTLS and answers it with 5yz",
        "The server lists STARTTLS and refuses the command. Many senders then go on in cleartext in the same session.",
        "The receiver's log at that second.";
    HandshakeFailsForAll = "handshake-fails-for-all", Likely,
        "the receiver accepts STARTTLS, then no handshake succeeds",
        "The server says 220 to STARTTLS and then closes, talks plain text, or fails every handshake: no key is loaded, or a program on the way does not speak TLS. Some senders then go on in cleartext, some wait and retry, some never do.",
        "The receiver's TLS log lines; the sender's error text at that second.";
    ServerLegacyVersion = "server-legacy-version", Likely,
        "the receiver speaks only versions below TLS 1.2",
        "RFC 8996 forbids TLS 1.0 and 1.1, and many senders refuse them now; some of those then deliver in cleartext.",
        "The sender's lowest version, from its configuration or its error text.";
    SuitesIncompatible = "suites-incompatible", Likely,
        "the two sides share no cipher suite",
        "The server accepts only suites that the sender's TLS library no longer has (RC4, 3DES, static RSA, finite-field DH).",
        "The sender's error text (handshake_failure, no shared cipher).";
    DhTooSmall = "dh-too-small", Likely,
        "the receiver's Diffie-Hellman group is too small for the sender",
        "A group below 1024 or 2048 bits makes many TLS libraries break off (\"dh key too small\").",
        "The sender's error text; the group size from a probe that speaks finite-field DH.";
    CertificateKeyRefused = "certificate-key-refused", Possible,
        "the sender's library refuses the certificate's key or signature",
        "Keys below 2048 bits, MD5 or SHA-1 signatures and unusual curves are refused by some libraries even where certificates are not checked.",
        "The sender's error text.";
    HelloIntolerance = "hello-intolerance", Likely,
        "the receiver breaks on some forms of ClientHello",
        "Large hellos (post-quantum key shares), TLS 1.3, unknown extensions, or the presence or absence of SNI make some servers and middleboxes fail.",
        "A packet capture on either side; probes with several forms of hello.";
    ClientCertificateDemanded = "client-certificate-demanded", Likely,
        "the receiver demands a client certificate",
        "The server asks for a client certificate and ends the handshake without one, which almost no sender has.",
        "The receiver's TLS settings (Postfix smtpd_tls_req_ccert).";
    CertificateInvalidForPolicy = "certificate-invalid-for-policy", Possible,
        "the certificate failed a check and the sender went on in cleartext",
        "A sender that checks certificates should defer or bounce, not fall back to cleartext; an opportunistic sender does not look at them at all (RFC 7435, section 4). So an invalid certificate seldom explains cleartext.",
        "The sender's policy for this domain and its log at that second.";
    StarttlsMaskedNearReceiver = "starttls-masked-near-receiver", Likely,
        "a middlebox in front of the receiver hides STARTTLS",
        "Some firewalls and mail proxies overwrite the keyword (Cisco inspect esmtp writes XXXXXXXA) or its command, so that they can read the mail.",
        "The firewall settings at the receiver; a probe from a second network.";
    StarttlsStrippedInTransit = "starttls-stripped-in-transit", Possible,
        "something on the path removed STARTTLS",
        "Without DANE or MTA-STS a sender cannot tell a server that lacks STARTTLS from a network that removes it (RFC 3207, section 6).",
        "A probe run inside the sender's network; the sender's log of the server's EHLO reply.";
    MxHostDiffers = "mx-host-differs", Likely,
        "one of several MX hosts or addresses lacks TLS, and it took the mail",
        "The domain's other hosts offer STARTTLS; the one that wrote this line does not, or does not work.",
        "The receiver's settings on that one host.";
    BackupMxTookIt = "backup-mx-took-it", Likely,
        "a backup MX without TLS took the mail",
        "The sender went to a host of lower preference, which lacks working STARTTLS while the preferred one has it.",
        "Why the preferred host was not used: the sender's log before this delivery.";
    AddressFamilyDiffers = "address-family-differs", Likely,
        "the host offers TLS on IPv4 or IPv6 only, and the other was used",
        "The same host name answers differently on its IPv4 and IPv6 addresses.",
        "The receiver's listeners for both families.";
    PoolInconsistent = "pool-inconsistent", Likely,
        "one node of a pool behind one address differs",
        "Behind a load balancer the nodes may be configured differently; repeated probes see different answers.",
        "Which node took the mail (the id or the by name), and its settings.";
    GreylistedOrDeferred = "greylisted-or-deferred", Possible,
        "the receiver turned the sender away before STARTTLS",
        "A greylisting or overloaded server answers 4yz before STARTTLS. That explains a delay, or that a probe saw nothing; by itself it does not explain cleartext.",
        "The sender's log of its earlier attempts.";
    EhloRefused = "ehlo-refused", Likely,
        "the receiver refuses EHLO, so that STARTTLS cannot be offered",
        "A server that answers EHLO with 5yz is spoken to with HELO, which has no extensions (RFC 5321, section 4.1.1.1).",
        "The receiver's answer to EHLO for this sender.";
    GreetingLacksEsmtp = "greeting-lacks-esmtp", Possible,
        "an old sender skipped EHLO because the greeting lacks \"ESMTP\"",
        "Some old senders say EHLO only to servers whose greeting has the word ESMTP.",
        "The sender's software and its log of the dialogue.";
    ReceiverNotInMx = "receiver-not-in-mx", Likely,
        "the receiving host is not among the domain's MX hosts",
        "The mail took another route than the MX records of today (a transport map, a smart host, another port), so what the MX hosts do now says nothing about this hop.",
        "The route the sender has configured; the receiver's list of inbound hosts.";
    ReceiverOverloaded = "receiver-overloaded", Possible,
        "the receiver limits new TLS sessions",
        "Rate limits on handshakes (Postfix smtpd_client_new_tls_session_rate_limit) refuse TLS in bursts.",
        "The receiver's log around that minute.";
    SenderDidNotTry = "sender-did-not-try", Likely,
        "the sender did not try TLS",
        "Opportunistic TLS is off at the sender: by default in older Postfix (smtp_tls_security_level empty), or by configuration. Seen from outside this is what remains when the receiver is cleared; the path is never quite excluded.",
        "The sender's log: did it say STARTTLS to this host at that second?";
    SenderCannotTls = "sender-cannot-tls", Likely,
        "the sending software cannot speak TLS",
        "qmail without a patch, printers, cameras, scripts and old mailers send without TLS.",
        "What program runs on the sending host.";
    SenderFellBack = "sender-fell-back", Likely,
        "a handshake failed and the sender went on in cleartext",
        "Exim, OpenSMTPD, mox and hMailServer try again in cleartext at once; Postfix at level may only after the message has waited some minutes; Stalwart and KumoMTA by default never.",
        "The sender's log: a TLS error to this host before the delivery.";
    SenderRemembersFailure = "sender-remembers-failure", Possible,
        "the sender keeps TLS off for this host after an earlier failure",
        "Haraka can mark a host for a week (off by default), KumoMTA for a time the operator sets.",
        "The sender's memory of failed hosts, and its log of the days before.";
    SenderExemptsDomain = "sender-exempts-domain", Likely,
        "the sender's settings turn TLS off for this domain",
        "Policy maps and host lists exempt domains with which TLS once broke (Postfix smtp_tls_policy_maps none, Exim hosts_avoid_tls, Sendmail Try_TLS NO).",
        "The sender's TLS policy for this domain.";
    SenderLibraryTooNew = "sender-library-too-new", Likely,
        "the sender's TLS library lacks what the receiver has",
        "New libraries drop old versions, suites and small keys; a sender that prefers delivery then goes on in cleartext.",
        "The sender's error text and library version.";
    TlsNotRequiredByMessage = "tls-not-required-by-message", Possible,
        "the message says that TLS is not required",
        "The field \"TLS-Required: No\" (RFC 8689, section 3) lets a sender deliver although DANE or MTA-STS failed. It should still use STARTTLS where that works, so it explains why a policy did not stop the mail rather than why TLS was not used.",
        "Who added the field, and the sender's log.";
    SenderShortOfResources = "sender-short-of-resources", Possible,
        "the sender could not start its TLS engine",
        "Out of sockets or memory, an unreadable file, a TLS helper that is down: TLS is off for every receiver for a while.",
        "The sender's log of that hour, for other receivers too.";
    StarttlsStrippedNearSender = "starttls-stripped-near-sender", Likely,
        "a proxy or antivirus at the sender removes STARTTLS",
        "Outbound filters, hosting providers' port-25 proxies and desktop antivirus read mail by removing STARTTLS.",
        "A probe run inside the sender's network.";
    TlsNotRecorded = "tls-not-recorded", Likely,
        "TLS may have been used, but this host does not write it down",
        "Some software never writes TLS into its line, some only when told to. Silence of such a host means nothing.",
        "The receiver's log line for this id; another message through the same host.";
    TlsEndedAtProxy = "tls-ended-at-proxy", Likely,
        "a proxy in front of the receiver ended TLS and passed the mail on in clear",
        "The line was written behind a load balancer or filter that held the TLS session, and which left no line itself.",
        "How the receiver's front end is built; the proxy's log.";
    InsideOneHost = "inside-one-host", Likely,
        "the hop is inside one host",
        "Loopback, a pipe, LMTP on a socket or a content filter on the same machine: nothing crossed a network.",
        "Nothing need be asked.";
    InsideOneNetwork = "inside-one-network", Likely,
        "the hop is inside one private network",
        "Private, link-local or carrier-internal addresses: the hop did not cross the Internet by itself.",
        "How the two hosts are connected, if the network is not trusted.";
    InsideOneOrganisation = "inside-one-organisation", Likely,
        "both ends belong to one organisation",
        "Providers often connect their own hosts by private lines or tunnels; a line between them may record no TLS though nothing crossed the public Internet.",
        "The provider's statement on traffic between its hosts.";
    NotSmtp = "not-smtp", Likely,
        "the hop is not SMTP",
        "The mail was handed over by HTTPS, MAPI, a local queue, IMAP or another protocol, to which STARTTLS does not apply.",
        "How the mail was submitted.";
    SubmissionWordTooOld = "submission-word-too-old", Possible,
        "old software writes one word for submission with and without TLS",
        "ESMTPA means authentication without TLS (RFC 3848), but older servers, and those that write ASMTP, may say so for sessions with TLS.",
        "The server's log; another message sent through it.";
    HeaderUntrusted = "header-untrusted", Likely,
        "the line may be invented",
        "Below the lines of one's own side anything may be forged; RFC 3848, section 3 says itself that these words are not protected.",
        "The log of the host the line names.";
    ChainBroken = "chain-broken", Likely,
        "a line between these hops is missing or rewritten",
        "Privacy filters, mailing lists and gateways remove or rewrite lines; the hop seen may not be the hop that was.",
        "The logs of the hosts on both sides of the gap.";
    HeaderDamaged = "header-damaged", Possible,
        "the header was damaged when the message was saved",
        "Copying from a mail program breaks folds and drops fields.",
        "The message's source as the server holds it.";
    ReceiverChangedSince = "receiver-changed-since", Likely,
        "the receiver was changed after this hop",
        "What the host does now need not be what it did then: it may have gained STARTTLS since.",
        "The receiver's change log; an observation from before the change.";
    CertificateChangedSince = "certificate-changed-since", Likely,
        "the certificate of today is not the one of that day",
        "The certificate was issued after the hop, or has expired since; what a check of it says today does not hold for that day.",
        "Certificate Transparency logs for the host's name.";
    MxMovedSince = "mx-moved-since", Likely,
        "the MX records changed after this hop",
        "The host that took the mail is not in today's MX set, so today's hosts cannot speak for it.",
        "The domain's DNS history; an earlier observation.";
    PolicyChangedSince = "policy-changed-since", Possible,
        "the MTA-STS policy was changed after this hop",
        "The policy of today may not have been published, or may have been in another mode, on that day.",
        "An earlier observation of the policy.";
    DaneChangedSince = "dane-changed-since", Likely,
        "TLSA records or DNSSEC were changed after this hop",
        "DNSSEC may have been turned on, broken or mended, and TLSA records rolled, in between.",
        "An earlier observation of the zone.";
    CryptoPolicyChangedSince = "crypto-policy-changed-since", Likely,
        "one side upgraded its TLS library or policy after this hop",
        "Versions and suites that one side accepts change with upgrades.",
        "The dates of upgrades on both sides.";
    OutageThen = "outage-then", Possible,
        "something was broken at the time of this hop only",
        "A full disk, a certificate reload, an attack: TLS failed for a while and works before and after.",
        "TLS reports (RFC 8460) of that day; other messages of the same hour.";
    ProbeBlockedHere = "probe-blocked-here", Likely,
        "this machine's network hinders the probe",
        "Port 25 is closed or rewritten here, or the receiver refuses this address, so the probe cannot speak about the receiver.",
        "The same probe from a network with an open port 25.";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cause_has_its_words_and_no_ceiling_of_proof() {
        let mut seen = HashSet::new();
        for cause in Cause::ALL {
            assert!(seen.insert(cause.word()), "{} twice", cause.word());
            assert!(
                cause
                    .word()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{}",
                cause.word()
            );
            assert!(!cause.summary().ends_with('.'), "{}", cause.word());
            assert!(cause.summary().len() <= 76, "{}", cause.summary());
            assert!(cause.means().ends_with('.'), "{}", cause.word());
            assert!(!cause.settle().is_empty());
            // Only a statement made at the time proves anything of the past.
            assert!(cause.ceiling() > Standing::Proved, "{}", cause.word());
        }
        assert_eq!(Cause::ALL.len(), 51);
    }
}
