//! How a scan is told to end: Ctrl-C and its kin.

use std::io;

use tokio::sync::watch;

use crate::scan::engine::Stop;

/// Stops the scan at a signal, and at once at the second.
pub(super) fn signals() -> io::Result<watch::Receiver<Stop>> {
    let (sender, receiver) = watch::channel(Stop::No);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        // A file that may not grow further is to be an error, not the end.
        #[cfg(target_os = "linux")]
        let too_large = signal(SignalKind::from_raw(25))?;
        tokio::spawn(async move {
            #[cfg(target_os = "linux")]
            let _too_large = too_large;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                sender.send_modify(|stop| {
                    *stop = match stop {
                        Stop::No => Stop::Soon,
                        Stop::Soon | Stop::Now => Stop::Now,
                    };
                });
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            sender.send_modify(|stop| {
                *stop = match stop {
                    Stop::No => Stop::Soon,
                    Stop::Soon | Stop::Now => Stop::Now,
                };
            });
        }
    });
    Ok(receiver)
}
