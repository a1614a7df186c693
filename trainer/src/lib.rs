//! Data sets, baselines and policies.
