"""Measures the running bridge from outside, as equipment would see it. `scripts/bench --help` lists what."""
