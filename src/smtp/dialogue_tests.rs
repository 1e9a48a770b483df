//! Each test is a server, told as what it says to what; names begin with the
//! rule they guard.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::observed::endpoint::Verb;

/// What a server does when it is its turn.
#[derive(Clone, Copy)]
enum Does {
    Says(&'static str),
    Closes,
    IsSilent,
    UsesUpTheDeadline,
    Handshakes,
    FailsTheHandshake,
}
use Does::*;

/// Plays a server's script and gives what was said to it and what came of it.
fn play(script: &[Does]) -> (Vec<String>, Outcome) {
    play_in_pieces(script, usize::MAX)
}

fn play_in_pieces(script: &[Does], size: usize) -> (Vec<String>, Outcome) {
    let dialogue = Dialogue::new(
        "mx (192.0.2.1)".into(),
        "probe.acme.example".into(),
        vec!["probe.acme.example".into(), "203.0.113.9".into()],
    );
    play_on(dialogue, Step::Hear, script, size)
}

/// The same on a port where TLS comes first.
fn play_inside_tls(script: &[Does]) -> (Vec<String>, Outcome) {
    let dialogue = Dialogue::implicit(
        "mx (192.0.2.1)".into(),
        "probe.acme.example".into(),
        vec!["probe.acme.example".into(), "203.0.113.9".into()],
    );
    play_on(dialogue, Step::Handshake, script, usize::MAX)
}

fn play_on(
    mut dialogue: Dialogue,
    first: Step,
    script: &[Does],
    size: usize,
) -> (Vec<String>, Outcome) {
    let mut script = script.iter().copied();
    let mut said = Vec::new();
    let mut step = first;
    loop {
        step = match step {
            Step::Say(command) => {
                said.push(command);
                dialogue.said()
            }
            Step::Pause(_) => dialogue.paused(),
            Step::Close => return (said, dialogue.into_outcome()),
            Step::Hear | Step::Handshake => match script.next() {
                Some(Says(text)) => {
                    assert_eq!(step, Step::Hear, "the script speaks out of turn: {text}");
                    let mut next = Step::Hear;
                    for piece in text.as_bytes().chunks(size.min(text.len())) {
                        assert_eq!(next, Step::Hear);
                        next = dialogue.heard(piece);
                    }
                    next
                }
                Some(Closes) | None => dialogue.closed(None),
                Some(IsSilent) => dialogue.silence(Duration::from_secs(60), false),
                Some(UsesUpTheDeadline) => dialogue.silence(Duration::from_secs(180), true),
                Some(Handshakes) => dialogue.secured(),
                Some(FailsTheHandshake) => dialogue.not_secured(),
            },
        };
    }
}

const GREETING: Does = Says("220 mx ESMTP\r\n");
const EHLO: Does = Says("250-mx\r\n250-SIZE 1000\r\n250 STARTTLS\r\n");
const READY: Does = Says("220 ready\r\n");
const BYE: Does = Says("221 bye\r\n");

fn kind<T>(attempt: &Attempt<T>) -> Option<Kind> {
    attempt.failure().map(|failure| failure.kind)
}

#[test]
fn a_good_server_is_asked_everything_and_bid_farewell() {
    let (said, outcome) = play(&[
        GREETING,
        EHLO,
        READY,
        Handshakes,
        Says("250-mx\r\n250 SIZE 1000\r\n"),
        BYE,
    ]);
    assert_eq!(
        said,
        [
            "EHLO probe.acme.example",
            "STARTTLS",
            "EHLO probe.acme.example",
            "QUIT"
        ]
    );
    assert_eq!(outcome.greeting.done().unwrap().code, 220);
    assert_eq!(
        outcome.ehlo.done().unwrap().keywords,
        ["SIZE 1000", "STARTTLS"]
    );
    assert_eq!(outcome.starttls.done().unwrap().code, 220);
    assert_eq!(outcome.after_tls.done().unwrap().keywords, ["SIZE 1000"]);
    assert_eq!(outcome.anomalies, []);
}

#[test]
fn s1_lower_case_keywords_count() {
    let (said, _) = play(&[GREETING, Says("250-mx\r\n250 starttls\r\n")]);
    assert_eq!(said[1], "STARTTLS");
}

#[test]
fn s2_nothing_is_said_before_the_greeting() {
    let (said, outcome) = play(&[Closes]);
    assert!(said.is_empty());
    assert_eq!(kind(&outcome.greeting), Some(Kind::ClosedByPeer));
    assert_eq!(
        outcome.starttls,
        Attempt::Skipped(Because::After(Stage::Greeting))
    );
}

#[test]
fn s3_s8_the_greeting_may_come_in_lines_and_pieces() {
    let script = [
        Says("220-mx\r\n"),
        Says("220-wait for it\r\n"),
        Says("220 now\r\n"),
        EHLO,
        READY,
        Handshakes,
        EHLO,
        BYE,
    ];
    let (said, outcome) = play(&script);
    assert_eq!(outcome.greeting.done().unwrap().lines.len(), 3);
    for size in 1..8 {
        assert_eq!(
            play_in_pieces(&script, size),
            (said.clone(), outcome.clone())
        );
    }
}

#[test]
fn s4_bare_codes_are_replies() {
    let (said, outcome) = play(&[
        Says("220\r\n"),
        Says("250-\r\n250 STARTTLS\r\n"),
        Says("220\r\n"),
        Handshakes,
        Says("250\r\n"),
        Says("221\r\n"),
    ]);
    assert_eq!(said.last().unwrap(), "QUIT");
    assert_eq!(outcome.after_tls.done().unwrap().keywords.len(), 0);
    assert_eq!(outcome.anomalies, []);
}

#[test]
fn s5_codes_that_differ_are_noted() {
    let (_, outcome) = play(&[GREETING, Says("250-mx\r\n220-x\r\n250 STARTTLS\r\n"), READY]);
    assert_eq!(outcome.anomalies, [Anomaly::CodeMismatch]);
}

#[test]
fn s6_the_code_decides_whatever_the_text_says() {
    // A greeting that regrets, an offer that is denied in words, a go-ahead
    // that speaks of failure.
    let (said, outcome) = play(&[
        Says("220 554 no service here, TLS not available\r\n"),
        Says("250-mx: 502 EHLO not implemented\r\n250 STARTTLS\r\n"),
        Says("220 454 TLS not available\r\n"),
        Handshakes,
        Says("250 mx: 530 must issue a STARTTLS command first\r\n"),
        BYE,
    ]);
    assert_eq!(said[1], "STARTTLS");
    assert!(outcome.starttls.is_done() && outcome.after_tls.is_done());
    // And the other way round.
    let (_, outcome) = play(&[GREETING, EHLO, Says("454 ready to start TLS\r\n"), Closes]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::StarttlsTemporary));
}

#[test]
fn s7_a_reply_without_end_ends_the_dialogue() {
    let endless: &'static str = Box::leak("250-x\r\n".repeat(300).into_boxed_str());
    let (said, outcome) = play(&[GREETING, Says(endless)]);
    assert_eq!(kind(&outcome.ehlo), Some(Kind::ReplyTooLong));
    assert_eq!(said.last().unwrap(), "QUIT");
    let line: &'static str = Box::leak("x".repeat(70_000).into_boxed_str());
    assert_eq!(
        kind(&play(&[Says(line)]).1.greeting),
        Some(Kind::ReplyTooLong)
    );
}

#[test]
fn s9_s10_silence_names_its_phase_and_is_no_word_about_tls() {
    let (said, outcome) = play(&[IsSilent]);
    let failure = outcome.greeting.failure().unwrap();
    assert_eq!(failure.kind, Kind::GreetingTimeout);
    assert_eq!(failure.detail.waited, Some(Duration::from_secs(60)));
    assert_eq!(said, ["QUIT"]);

    let (said, outcome) = play(&[GREETING, IsSilent]);
    assert_eq!(kind(&outcome.ehlo), Some(Kind::ReplyTimeout));
    assert_eq!(
        outcome.starttls,
        Attempt::Skipped(Because::After(Stage::Ehlo))
    );
    assert_eq!(said, ["EHLO probe.acme.example", "QUIT"]);

    let (_, outcome) = play(&[GREETING, EHLO, IsSilent]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::ReplyTimeout));
    assert_eq!(outcome.handshake, Because::After(Stage::Starttls));

    let (_, outcome) = play(&[GREETING, UsesUpTheDeadline]);
    assert_eq!(kind(&outcome.ehlo), Some(Kind::Deadline));
}

#[test]
fn s9_what_a_slow_greeting_gave_is_kept() {
    let (_, outcome) = play(&[Says("220-mx\r\n220-mo"), IsSilent]);
    assert_eq!(
        outcome.greeting.failure().unwrap().heard.as_deref(),
        Some(&b"220-mx\r\n220-mo"[..])
    );
}

#[test]
fn s11_s12_a_refused_greeting_is_never_a_word_about_tls() {
    for (greeting, expected) in [
        ("554 no SMTP service here\r\n", Kind::GreetingRejected),
        ("521 go\r\n", Kind::GreetingRejected),
        (
            "421-4.7.0 too many connections\r\n421 later\r\n",
            Kind::GreetingTemporary,
        ),
        ("450 greylisted\r\n", Kind::GreetingTemporary),
        ("354 what\r\n", Kind::ReplyMalformed),
        ("SSH-2.0-OpenSSH\r\n", Kind::ReplyMalformed),
    ] {
        let (said, outcome) = play(&[Says(greeting), BYE]);
        let failure = outcome.greeting.failure().unwrap();
        assert_eq!(failure.kind, expected, "{greeting}");
        assert_eq!(failure.stage, Stage::Greeting);
        assert_eq!(
            failure.heard.as_deref(),
            Some(greeting.trim_end().as_bytes())
        );
        assert_eq!(
            outcome.starttls,
            Attempt::Skipped(Because::After(Stage::Greeting)),
            "{greeting}"
        );
        assert_eq!(said, ["QUIT"], "{greeting}");
    }
}

#[test]
fn s13_a_server_without_ehlo_is_greeted_with_helo() {
    for refusal in [
        "500 what\r\n",
        "502 not implemented\r\n",
        "550 no\r\n",
        "501 syntax\r\n",
    ] {
        let (said, outcome) = play(&[GREETING, Says(refusal), Says("250 mx\r\n"), BYE]);
        assert_eq!(
            said,
            ["EHLO probe.acme.example", "HELO probe.acme.example", "QUIT"]
        );
        assert_eq!(outcome.ehlo.done().unwrap().verb, Verb::Helo);
        assert_eq!(outcome.starttls, Attempt::Skipped(Because::NotOffered));
    }
    let (_, outcome) = play(&[GREETING, Says("502 no\r\n"), Says("550 neither\r\n"), BYE]);
    let failure = outcome.ehlo.failure().unwrap();
    assert_eq!(failure.kind, Kind::EhloRejected);
    assert_eq!(
        failure.heard.as_deref(),
        Some(&b"502 no\r\n550 neither"[..])
    );
}

#[test]
fn s14_a_refusal_that_names_us_is_about_us() {
    for (refusal, expected) in [
        ("550 blocked: 203.0.113.9\r\n", Kind::EhloRejected),
        (
            "504 <Probe.Acme.Example>: not wanted\r\n",
            Kind::EhloRejected,
        ),
        ("554 5.7.1 access denied\r\n", Kind::EhloRejected),
        ("450 try later\r\n", Kind::EhloTemporary),
        ("421 too many\r\n", Kind::EhloTemporary),
    ] {
        let (said, outcome) = play(&[GREETING, Says(refusal), BYE]);
        assert_eq!(kind(&outcome.ehlo), Some(expected), "{refusal}");
        assert_eq!(
            outcome.starttls,
            Attempt::Skipped(Because::After(Stage::Ehlo))
        );
        assert_eq!(said, ["EHLO probe.acme.example", "QUIT"], "{refusal}");
    }
}

#[test]
fn s16_a_host_called_starttls_offers_nothing() {
    let (said, outcome) = play(&[GREETING, Says("250-STARTTLS\r\n250 SIZE\r\n"), BYE]);
    assert_eq!(outcome.starttls, Attempt::Skipped(Because::NotOffered));
    assert_eq!(outcome.handshake, Because::NotOffered);
    assert_eq!(said.last().unwrap(), "QUIT");
}

#[test]
fn s17_quit_is_said_on_every_path_that_still_has_a_server() {
    for script in [
        &[Says("421 no\r\n")][..],
        &[IsSilent],
        &[Says("garbage\r\n")],
        &[GREETING, Says("450 no\r\n")],
        &[GREETING, IsSilent],
        &[GREETING, Says("250 mx\r\n")],
        &[GREETING, EHLO, Says("454 no\r\n"), Says("454 no\r\n")],
        &[GREETING, EHLO, IsSilent],
        &[GREETING, EHLO, READY, Handshakes, EHLO],
        &[GREETING, EHLO, READY, Handshakes, IsSilent],
    ] {
        assert_eq!(play(script).0.last().unwrap(), "QUIT");
    }
    // After a failed handshake the stream means nothing.
    let (said, outcome) = play(&[GREETING, EHLO, READY, FailsTheHandshake]);
    assert_eq!(said.last().unwrap(), "STARTTLS");
    assert_eq!(
        outcome.after_tls,
        Attempt::Skipped(Because::After(Stage::Handshake))
    );
}

#[test]
fn s18_no_mail_is_ever_named() {
    let (said, _) = play(&[GREETING, EHLO, READY, Handshakes, EHLO, BYE]);
    for command in said {
        let verb = command.split(' ').next().unwrap().to_owned();
        assert!(["EHLO", "HELO", "STARTTLS", "QUIT"].contains(&verb.as_str()));
        assert!(!command.contains(['\r', '\n']));
    }
}

#[test]
fn s19_lf_alone_is_tolerated_and_noted() {
    let (_, outcome) = play(&[
        Says("220 mx\n"),
        Says("250-mx\n250 STARTTLS\n"),
        Says("220 go\n"),
        Handshakes,
        Says("250 mx\n"),
        Says("221 bye\n"),
    ]);
    assert!(outcome.after_tls.is_done());
    assert_eq!(outcome.anomalies, [Anomaly::BareLf]);
}

#[test]
fn t1_starttls_has_no_parameters() {
    let (said, _) = play(&[GREETING, EHLO]);
    assert_eq!(said[1], "STARTTLS");
}

#[test]
fn t2_a_refused_starttls_is_said_once_more_then_believed() {
    for (refusal, expected) in [
        ("454 4.7.0 TLS not available\r\n", Kind::StarttlsTemporary),
        ("451 local error\r\n", Kind::StarttlsTemporary),
        ("500 what\r\n", Kind::StarttlsRejected),
        ("501 syntax\r\n", Kind::StarttlsRejected),
        ("554 no\r\n", Kind::StarttlsRejected),
    ] {
        let (said, outcome) = play(&[GREETING, EHLO, Says(refusal), Says(refusal), BYE]);
        assert_eq!(
            said,
            ["EHLO probe.acme.example", "STARTTLS", "STARTTLS", "QUIT"]
        );
        let failure = outcome.starttls.failure().unwrap();
        assert_eq!(failure.kind, expected, "{refusal}");
        assert_eq!(
            failure.heard.as_deref(),
            Some(refusal.trim_end().as_bytes())
        );
        assert_eq!(outcome.handshake, Because::After(Stage::Starttls));
    }
}

#[test]
fn t3_a_passing_refusal_may_pass() {
    let (_, outcome) = play(&[
        GREETING,
        EHLO,
        Says("454 not now\r\n"),
        READY,
        Handshakes,
        EHLO,
        BYE,
    ]);
    assert!(outcome.starttls.is_done());
    assert!(outcome.after_tls.is_done());
}

#[test]
fn t3_the_first_refusal_stands_where_the_second_try_finds_nobody() {
    for end in [Closes, IsSilent] {
        let (_, outcome) = play(&[GREETING, EHLO, Says("454 not now\r\n"), end]);
        assert_eq!(kind(&outcome.starttls), Some(Kind::StarttlsTemporary));
    }
}

#[test]
fn t3_after_421_nothing_is_repeated() {
    let (said, outcome) = play(&[GREETING, EHLO, Says("421 closing\r\n")]);
    assert_eq!(said, ["EHLO probe.acme.example", "STARTTLS", "QUIT"]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::StarttlsTemporary));
}

#[test]
fn t6_octets_behind_the_220_are_noted_and_thrown_away() {
    let (_, outcome) = play(&[
        GREETING,
        EHLO,
        Says("220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n"),
        Handshakes,
        Says("250 mx\r\n"),
        BYE,
    ]);
    assert_eq!(outcome.anomalies, [Anomaly::DataBeforeHandshake]);
    assert_eq!(outcome.after_tls.done().unwrap().keywords.len(), 0);
}

#[test]
fn t8_t9_the_list_after_tls_is_its_own() {
    let (_, outcome) = play(&[
        GREETING,
        EHLO,
        READY,
        Handshakes,
        Says("250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
        BYE,
    ]);
    assert_eq!(outcome.anomalies, [Anomaly::StarttlsAfterTls]);
    assert_eq!(
        outcome.after_tls.done().unwrap().keywords,
        ["AUTH PLAIN", "STARTTLS"]
    );
}

#[test]
fn t8_auth_in_clear_is_noted() {
    let (_, outcome) = play(&[GREETING, Says("250-mx\r\n250 AUTH LOGIN\r\n"), BYE]);
    assert_eq!(outcome.anomalies, [Anomaly::AuthBeforeTls]);
}

#[test]
fn t10_refusals_after_tls_do_not_undo_the_handshake() {
    for (end, expected) in [
        (Says("554 refused\r\n"), Kind::EhloRejected),
        (Says("421 later\r\n"), Kind::EhloTemporary),
        (Closes, Kind::ClosedByPeer),
        (IsSilent, Kind::ReplyTimeout),
    ] {
        let (_, outcome) = play(&[GREETING, EHLO, READY, Handshakes, end]);
        assert!(outcome.starttls.is_done());
        assert_eq!(kind(&outcome.after_tls), Some(expected));
        assert_eq!(outcome.anomalies, [Anomaly::EhloAfterTlsFailed]);
    }
}

#[test]
fn t11_masked_starttls_is_told_from_no_starttls() {
    let (_, outcome) = play(&[
        Says("220 ****************************\r\n"),
        Says("250-mx\r\n250 SIZE\r\n"),
        BYE,
    ]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::StarttlsMasked));
    let (_, outcome) = play(&[GREETING, Says("250-mx\r\n250 XXXXXXXA\r\n"), BYE]);
    let failure = outcome.starttls.failure().unwrap();
    assert_eq!(failure.kind, Kind::StarttlsMasked);
    assert_eq!(failure.heard.as_deref(), Some(&b"250 XXXXXXXA"[..]));
    let (said, outcome) = play(&[GREETING, EHLO, Says("500 5.5.1 unknown: XXXXXXXX\r\n"), BYE]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::StarttlsMasked));
    assert_eq!(said, ["EHLO probe.acme.example", "STARTTLS", "QUIT"]);
    // A banner of asterisks before a server that does offer it hides nothing.
    let (_, outcome) = play(&[
        Says("220 ****************************\r\n"),
        EHLO,
        READY,
        Handshakes,
        EHLO,
        BYE,
    ]);
    assert!(outcome.starttls.is_done());
}

#[test]
fn t14_a_close_on_starttls_is_no_refusal() {
    let (_, outcome) = play(&[GREETING, EHLO, Closes]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::ClosedByPeer));
}

#[test]
fn a_server_that_says_all_at_once_is_still_understood() {
    let (_, outcome) = play(&[
        Says("220 mx\r\n250-mx\r\n250 STARTTLS\r\n"),
        READY,
        Handshakes,
        EHLO,
        BYE,
    ]);
    assert!(outcome.starttls.is_done());
    // Two greetings, the second after EHLO was said.
    let (_, outcome) = play(&[
        GREETING,
        Says("220 mx again\r\n"),
        EHLO,
        READY,
        Handshakes,
        Says("250 mx\r\n"),
        BYE,
    ]);
    assert!(outcome.after_tls.is_done());
    assert_eq!(outcome.anomalies, [Anomaly::UnexpectedReply]);
}

#[test]
fn a_server_that_only_babbles_is_left() {
    let (said, outcome) = play(&[
        GREETING,
        EHLO,
        Says("250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n"),
    ]);
    assert_eq!(kind(&outcome.starttls), Some(Kind::ReplyMalformed));
    assert_eq!(said.last().unwrap(), "QUIT");
}

mod any_octets {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever comes, in whatever pieces, the dialogue ends, keeps
        /// little, and says nothing but its four verbs.
        #[test]
        fn s7_s20_no_octets_break_the_dialogue(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    "[2-5][0-9]{0,2}[- ]?[A-Z]{0,9}(\r\n|\n|\r|)".prop_map(String::into_bytes),
                    "250[- ](STARTTLS|AUTH|XXXXXXXA)\r\n".prop_map(String::into_bytes),
                ],
                0..40,
            )
        ) {
            let mut dialogue = Dialogue::new("mx".into(), "us".into(), vec!["us".into()]);
            let mut pieces = pieces.into_iter();
            let mut step = Step::Hear;
            loop {
                step = match step {
                    Step::Hear => match pieces.next() {
                        Some(piece) => dialogue.heard(&piece),
                        None => dialogue.closed(None),
                    },
                    Step::Say(command) => {
                        let verb = command.split(' ').next().unwrap_or_default();
                        prop_assert!(["EHLO", "HELO", "STARTTLS", "QUIT"].contains(&verb));
                        dialogue.said()
                    }
                    Step::Pause(_) => dialogue.paused(),
                    Step::Handshake => dialogue.secured(),
                    Step::Close => break,
                };
            }
            let outcome = dialogue.into_outcome();
            let done = outcome.greeting.is_done();
            prop_assert_eq!(done, outcome.greeting.failure().is_none());
        }
    }
}

#[test]
fn p1_where_tls_comes_first_nothing_is_started() {
    let (said, outcome) = play_inside_tls(&[
        Handshakes,
        GREETING,
        Says("250-mx\r\n250-AUTH PLAIN\r\n250 REQUIRETLS\r\n"),
        BYE,
    ]);
    assert_eq!(said, ["EHLO probe.acme.example", "QUIT"]);
    assert_eq!(outcome.greeting.done().unwrap().code, 220);
    assert_eq!(outcome.starttls, Attempt::Skipped(Because::ImplicitTls));
    let keywords = ["AUTH PLAIN", "REQUIRETLS"];
    assert_eq!(outcome.ehlo.done().unwrap().keywords, keywords);
    assert_eq!(outcome.after_tls.done().unwrap().keywords, keywords);
    assert_eq!(outcome.anomalies, []);
}

#[test]
fn p1_what_fails_inside_tls_is_no_word_about_tls() {
    let before = Because::After(Stage::Handshake);
    let (said, outcome) = play_inside_tls(&[FailsTheHandshake]);
    assert!(said.is_empty());
    assert_eq!(outcome.greeting, Attempt::Skipped(before));
    assert_eq!(outcome.starttls, Attempt::Skipped(Because::ImplicitTls));

    let (said, outcome) = play_inside_tls(&[Handshakes, Says("421 busy\r\n"), BYE]);
    assert_eq!(said, ["QUIT"]);
    let failure = outcome.greeting.failure().unwrap();
    assert_eq!(failure.message, "mx (192.0.2.1) put us off (code 421)");
    assert_eq!(outcome.starttls, Attempt::Skipped(Because::ImplicitTls));
    assert_eq!(
        outcome.after_tls,
        Attempt::Skipped(Because::After(Stage::Greeting))
    );

    let (said, outcome) = play_inside_tls(&[Handshakes, GREETING, Says("550 no\r\n"), Closes]);
    assert_eq!(said[1], "HELO probe.acme.example");
    assert_eq!(kind(&outcome.ehlo), Some(Kind::ClosedByPeer));
    assert_eq!(outcome.starttls, Attempt::Skipped(Because::ImplicitTls));

    let (_, outcome) = play_inside_tls(&[Handshakes, GREETING, EHLO, BYE]);
    assert_eq!(outcome.anomalies, [Anomaly::StarttlsAfterTls]);
}
