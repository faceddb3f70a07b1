"""Open safetensors files, and sets of them that an index file names."""
