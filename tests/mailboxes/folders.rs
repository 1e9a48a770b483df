use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use starttrace::mailbox::{self, Limits, Unreadable};
use starttrace::trace::chain::SourceKind;

use crate::{HEADER, Item, all_in};

fn message(number: usize) -> String {
    format!("{HEADER}X-Number: {number}\n\nbody\n")
}

fn put(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Names below `folder` of the messages, and what was wrong with others.
fn names(folder: &Path, items: &[Item]) -> (Vec<String>, Vec<(String, Unreadable)>) {
    let below = |path: &str| {
        let prefix = format!("{}/", folder.display());
        path.strip_prefix(&prefix).unwrap_or(path).to_owned()
    };
    let mut read = Vec::new();
    let mut failed = Vec::new();
    for item in items {
        match item {
            Ok(message) => read.push(below(&message.path)),
            Err(error) => failed.push((below(&error.path), error.why.clone())),
        }
    }
    (read, failed)
}

#[test]
fn a_maildir_is_read_and_left_as_it_is() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    put(root, "cur/1.host:2,S", &message(1));
    put(root, "new/2.host", &message(2));
    put(root, "tmp/3.host", &message(3));
    put(root, "dovecot.index", "\0\0\0");
    put(root, "cur/.hidden", "no");
    put(root, ".Sent/cur/4.host:2,", &message(4));
    put(root, ".Sent/tmp/5.host", &message(5));
    put(root, "sieve/script", "keep;");
    fs::create_dir_all(root.join(".Empty/new")).unwrap();
    let items = all_in(root);
    let (read, failed) = names(root, &items);
    assert_eq!(
        read,
        [".Sent/cur/4.host:2,", "cur/1.host:2,S", "new/2.host"]
    );
    assert_eq!(failed, []);
    for item in items {
        let message = item.unwrap();
        assert_eq!(message.kind, SourceKind::Maildir);
        assert_eq!(message.index, 0);
    }
    assert!(root.join("new/2.host").exists());
}

#[test]
fn a_folder_of_all_sorts() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    put(root, "a.eml", &message(1));
    put(root, "b.png", "\u{89}PNG not quite\0\0\0\0\u{1}\u{2}\u{3}");
    put(root, "c/d.txt", &message(2));
    put(
        root,
        "c/e",
        &format!(
            "From a Tue Nov  3 09:14:07 2026\n{}\nFrom b Tue Nov  3 09:14:07 2026\n{}",
            message(3),
            message(4)
        ),
    );
    put(root, "f.eml", "");
    put(root, "inbox/cur/7:2,S", &message(5));
    put(root, ".cache/x", &message(6));
    symlink("a.eml", root.join("g.eml")).unwrap();
    symlink("nowhere", root.join("h.eml")).unwrap();
    symlink("i.eml", root.join("i.eml")).unwrap();
    let _socket = UnixListener::bind(root.join("j.sock")).unwrap();
    let (read, failed) = names(root, &all_in(root));
    assert_eq!(
        read,
        ["a.eml", "c/d.txt", "c/e", "c/e", "g.eml", "inbox/cur/7:2,S"]
    );
    let failed: Vec<_> = failed
        .iter()
        .map(|(name, why)| (name.as_str(), std::mem::discriminant(why)))
        .collect();
    let is = std::mem::discriminant;
    assert_eq!(
        failed,
        [
            ("b.png", is(&Unreadable::Binary)),
            ("f.eml", is(&Unreadable::Empty)),
            ("h.eml", is(&Unreadable::NotFound)),
            ("i.eml", is(&Unreadable::Io(String::new()))),
            ("j.sock", is(&Unreadable::NotAFile)),
        ]
    );
}

#[test]
fn links_that_lead_in_circles_are_followed_once() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    put(root, "a/1.eml", &message(1));
    put(root, "b/2.eml", &message(2));
    symlink("..", root.join("a/up")).unwrap();
    symlink("../a", root.join("b/across")).unwrap();
    symlink(".", root.join("b/here")).unwrap();
    let (read, failed) = names(root, &all_in(root));
    assert_eq!(read, ["a/1.eml", "b/2.eml"]);
    assert_eq!(failed, []);
}

#[test]
fn folders_without_end_are_left() {
    let world = tempfile::tempdir().unwrap();
    let deep = (0..80).fold(world.path().to_owned(), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    put(world.path(), "z.eml", &message(1));
    let (read, failed) = names(world.path(), &all_in(world.path()));
    assert_eq!(read, ["z.eml"]);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].1, Unreadable::TooDeep);
}

#[test]
fn files_that_vanish_are_reported_and_the_rest_goes_on() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    for number in 0..5 {
        put(root, &format!("cur/{number}"), &message(number));
    }
    let mut messages = mailbox::open(root, &Limits::default()).unwrap();
    messages.next().unwrap().unwrap();
    fs::remove_file(root.join("cur/1")).unwrap();
    fs::remove_file(root.join("cur/3")).unwrap();
    let items: Vec<_> = messages.collect();
    let (read, failed) = names(root, &items);
    assert_eq!(read, ["cur/2", "cur/4"]);
    assert_eq!(
        failed,
        [
            ("cur/1".to_owned(), Unreadable::Vanished),
            ("cur/3".to_owned(), Unreadable::Vanished)
        ]
    );
}

#[test]
fn what_may_not_be_read_is_reported() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    put(root, "a.eml", &message(1));
    put(root, "b.eml", &message(2));
    let closed = root.join("a.eml");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything: nothing to see then.
    if fs::File::open(&closed).is_ok() {
        return;
    }
    let (read, failed) = names(root, &all_in(root));
    assert_eq!(read, ["b.eml"]);
    assert_eq!(failed, [("a.eml".to_owned(), Unreadable::PermissionDenied)]);
}

#[test]
fn an_empty_folder_says_so() {
    let world = tempfile::tempdir().unwrap();
    for sub in ["", "cur"] {
        let path = world.path().join(sub);
        fs::create_dir_all(&path).unwrap();
        let items = all_in(world.path());
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].as_ref().unwrap_err().why, Unreadable::EmptyFolder);
    }
}

#[test]
fn several_inputs_are_read_in_turn() {
    let world = tempfile::tempdir().unwrap();
    let root = world.path();
    put(root, "a.eml", &message(1));
    put(root, "box/cur/1", &message(2));
    put(root, "box/cur/2", &message(3));
    let paths = ["a.eml", "missing", "box", "a.eml"].map(|name| root.join(name));
    let items: Vec<_> = mailbox::open_all(paths, &Limits::default()).collect();
    let (read, failed) = names(root, &items);
    assert_eq!(read, ["a.eml", "box/cur/1", "box/cur/2", "a.eml"]);
    assert_eq!(failed, [("missing".to_owned(), Unreadable::NotFound)]);
    let sizes: Vec<_> = items.iter().flatten().map(|m| m.size_so_far).collect();
    assert!(sizes.is_sorted() && sizes[3] as usize == 4 * message(1).len());
}

proptest::proptest! {
    #![proptest_config(crate::quick())]

    #[test]
    fn a_maildir_of_anything_gives_an_item_a_file(
        files in proptest::collection::vec(
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            1..8,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for kind in ["new", "cur", "tmp"] {
            std::fs::create_dir(folder.path().join(kind)).unwrap();
        }
        for (number, octets) in files.iter().enumerate() {
            let path = folder.path().join(["new", "cur"][number % 2]).join(number.to_string());
            std::fs::write(path, octets).unwrap();
        }
        let items = starttrace::mailbox::open(folder.path(), &Limits::default()).unwrap();
        proptest::prop_assert!(items.count() >= files.len());
    }
}
