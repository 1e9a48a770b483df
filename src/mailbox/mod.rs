//! Where messages come from; beside `probe`, the other place with IO.
