//! Politeness to one address: one conversation with it at a time, whoever
//! wants it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

/// The addresses being talked to.
#[derive(Debug, Default)]
pub(super) struct Turns {
    busy: Mutex<HashMap<IpAddr, Arc<AsyncMutex<()>>>>,
}

impl Turns {
    /// The right to talk to an address, which one conversation has at a time.
    pub(super) fn of(&self, address: IpAddr) -> Arc<AsyncMutex<()>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(busy.entry(address).or_default())
    }

    /// Forgets an address that nobody talks to or waits for.
    pub(super) fn rest(&self, address: IpAddr) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy
            .get(&address)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            busy.remove(&address);
        }
    }
}
