"""Read TFLite (LiteRT) models: a flatbuffer of graphs, its buffers as tensors."""
