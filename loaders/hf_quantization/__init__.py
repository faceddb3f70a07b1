"""Put the stored parts of quantized Hugging Face weights together: GPTQ, AWQ, bitsandbytes ..."""
