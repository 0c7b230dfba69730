/// Qwen2 and Qwen2.5 (arXiv:2407.10671): Llama with biases on queries, keys and values.
public final class Qwen2: DenseDecoder {}
