"""Flax checkpoints: trees of arrays in msgpack, as flax.serialization writes them."""
