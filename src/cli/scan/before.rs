//! What is asked before anything is begun: with a dead resolver, or behind a
//! closed port, nothing can be seen of anybody.

use crate::attempt::Attempt;
use crate::cli::output::Trouble;
use crate::failure::Kind;
use crate::name::HostName;
use crate::probe::Prober;

use super::here;

/// A name that every resolver of the public DNS answers for (RFC 6761, section
/// 6.5), and others deny.
const ANY_NAME: &str = "example.com";

/// Asks the resolver, then the control host. Whether there is one.
pub(super) async fn ask(prober: &Prober) -> Result<bool, Trouble> {
    ask_resolver(prober).await?;
    ask_control(prober).await
}

/// One that answers, whatever it says, may know the domains of the list.
async fn ask_resolver(prober: &Prober) -> Result<(), Trouble> {
    let name = HostName::from_dns(ANY_NAME);
    match prober.resolver_trouble(&name).await {
        Some(failure) if !matches!(failure.kind, Kind::Servfail | Kind::DnsRefused) => {
            Err(here(format!(
                "{}; nothing was begun: without a resolver nothing can be seen of anybody (name \
                 another with --resolver)",
                failure.message
            )))
        }
        _ => Ok(()),
    }
}

async fn ask_control(prober: &Prober) -> Result<bool, Trouble> {
    match prober.ask_control_again().await {
        None | Some(Attempt::Skipped(_)) => Ok(false),
        Some(Attempt::Done(_)) => Ok(true),
        Some(Attempt::Failed(failure)) => Err(here(format!(
            "{}; nothing was begun: a scan from here would see nothing (--control names another \
             host to ask first, or none)",
            failure.message
        ))),
    }
}
