use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use starttrace::mailbox::{self, Limits};

use crate::HEADER;

/// A Maildir, a mailbox larger than what a worker opens, a missing file, and
/// one that is no message.
fn world(root: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(root.join("box/cur")).unwrap();
    for number in 0..300 {
        let text = format!("{HEADER}X-Number: {number}\n\nbody\n");
        std::fs::write(root.join(format!("box/cur/{number:03}")), text).unwrap();
    }
    std::fs::write(root.join("box/cur/150x"), [0; 500]).unwrap();
    let mailbox: String = (0..1000)
        .map(|n| format!("From a Tue Nov  3 09:14:07 2026\n{HEADER}X-Number: m{n}\n\nbody\n\n"))
        .collect();
    std::fs::write(root.join("mbox"), mailbox).unwrap();
    ["box", "missing", "mbox", "box/cur/007"]
        .map(|name| root.join(name))
        .to_vec()
}

#[test]
fn many_hands_give_what_one_gives_in_the_same_order() {
    let world_folder = tempfile::tempdir().unwrap();
    let paths = world(world_folder.path());
    let alone: Vec<_> = mailbox::open_all(paths.clone(), &Limits::default()).collect();
    assert_eq!(alone.len(), 1303);
    for workers in [1, 2, 7] {
        let mut together = Vec::new();
        mailbox::open_all(paths.clone(), &Limits::default()).in_parallel(
            NonZeroUsize::new(workers).unwrap(),
            |message| message,
            |result| {
                together.push(result);
                ControlFlow::Continue(())
            },
        );
        assert!(together == alone, "with {workers} threads");
    }
}

#[test]
fn it_ends_when_nobody_wants_more() {
    let world_folder = tempfile::tempdir().unwrap();
    let paths = world(world_folder.path());
    let mut taken = 0;
    mailbox::open_all(paths, &Limits::default()).in_parallel(
        NonZeroUsize::new(3).unwrap(),
        |message| message.octets.len(),
        |_| {
            taken += 1;
            if taken == 5 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert_eq!(taken, 5);
}

#[test]
fn work_that_panics_hangs_nobody() {
    let world_folder = tempfile::tempdir().unwrap();
    let paths = world(world_folder.path());
    let worked = std::panic::catch_unwind(|| {
        mailbox::open_all(paths, &Limits::default()).in_parallel(
            NonZeroUsize::new(2).unwrap(),
            |message| assert!(!message.path.ends_with("mbox"), "meant to fail"),
            |_| ControlFlow::Continue(()),
        );
    });
    assert!(worked.is_err());
}
