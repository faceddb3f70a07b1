"""GGUF files: what llama.cpp and ggml store models in, with every block type of ggml."""
