/// Qwen3 (arXiv:2505.09388): Llama with a norm on each query and key head.
public final class Qwen3: DenseDecoder {}
