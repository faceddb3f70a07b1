"""Put the parts of quantized Hugging Face weights together: GPTQ, AWQ, bitsandbytes, HQQ ..."""
