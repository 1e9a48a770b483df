//! Faces: how results are shown. No judgement here.

pub mod json;
pub mod text;
