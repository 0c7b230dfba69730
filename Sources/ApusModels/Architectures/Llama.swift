/// Llama 2 and 3.x (arXiv:2407.21783), Mistral, SmolLM 1 to 3 and TinyLlama.
public final class Llama: DenseDecoder {}
