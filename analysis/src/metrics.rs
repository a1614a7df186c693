//! How good answers are, against what is truly in the images.
//!
//! Everything here takes detections and ground truth of images and returns figures.

pub mod coco;
