//! Faces: how results are shown. No judgement here.

pub mod base64;
pub mod json;
pub mod text;
