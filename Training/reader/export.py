"""Writes the trained models as Hugging Face folders and as GGUF files (Q8_0), and checks both against the models."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from .chat import END, SPECIALS, STOP, TEMPLATE
from .model import CONFIGS, Reader

CONTEXT = 32_768  # tokens up to which it was taught to read; MODEL_CARD.md says how well it does
LIMITS = {"reader": 25_000_000, "reader-draft": 1_500_000}  # bytes
ABOUT = {"reader": "A reader of documents: finds, links, lists, counts and sorts what stands in them",
         "reader-draft": "A small model with the reader's tokenizer, to draft for it"}
PARTS = {  # ours: (Hugging Face, GGUF)
    "attn_norm": ("input_layernorm", "attn_norm"), "q": ("self_attn.q_proj", "attn_q"),
    "k": ("self_attn.k_proj", "attn_k"), "v": ("self_attn.v_proj", "attn_v"),
    "o": ("self_attn.o_proj", "attn_output"), "ffn_norm": ("post_attention_layernorm", "ffn_norm"),
    "gate": ("mlp.gate_proj", "ffn_gate"), "up": ("mlp.up_proj", "ffn_up"), "down": ("mlp.down_proj", "ffn_down"),
}


def load(out: Path, name: str = "reader") -> tuple[Reader, Tokenizer]:
    model = Reader(CONFIGS[name]).eval()
    model.load_state_dict(torch.load(out / f"{name}.pt", weights_only=True))
    return model, Tokenizer.from_file(str(out / "tokenizer.json"))


def named(model: Reader):
    """(Hugging Face name, GGUF name, weight) of every tensor."""
    yield "model.embed_tokens.weight", "token_embd.weight", model.embedding.weight.detach()
    for index, layer in enumerate(model.layers):
        for ours, (hf, ggml) in PARTS.items():
            yield f"model.layers.{index}.{hf}.weight", f"blk.{index}.{ggml}.weight", getattr(layer, ours).weight.detach()
    yield "model.norm.weight", "output_norm.weight", model.norm.weight.detach()


def interleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """GGUF's Llama layout rotates neighbouring pairs (0, 1), (2, 3), ...; ours and Hugging Face's rotate (i, i + half)."""
    rows, width = weight.shape
    return weight.view(heads, 2, rows // heads // 2, width).transpose(1, 2).reshape(rows, width)


def write_hugging_face(model: Reader, tokenizer: Tokenizer, folder: Path) -> None:
    c = model.config
    folder.mkdir(parents=True, exist_ok=True)
    save_file({hf: w.clone().contiguous() for hf, _, w in named(model)}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": c.vocabulary, "hidden_size": c.width,
        "num_hidden_layers": c.layers, "num_attention_heads": c.heads, "num_key_value_heads": c.kv_heads,
        "head_dim": c.head_dim, "intermediate_size": c.hidden, "hidden_act": "silu", "rms_norm_eps": c.epsilon,
        "rope_theta": c.theta, "max_position_embeddings": CONTEXT, "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": "float32", "bos_token_id": tokenizer.token_to_id(END),
        "eos_token_id": tokenizer.token_to_id(STOP), "pad_token_id": tokenizer.token_to_id(END)}, indent=2) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": STOP, "pad_token": END,
        "add_bos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": CONTEXT,
        "chat_template": TEMPLATE}, indent=2) + "\n")


def write_gguf(name: str, model: Reader, tokenizer: Tokenizer, path: Path) -> None:
    c = model.config
    path.parent.mkdir(parents=True, exist_ok=True)
    w = gguf.GGUFWriter(path, "llama")
    w.add_name(name)
    w.add_description(ABOUT[name])
    w.add_license("Apache-2.0")
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(c.width)
    w.add_block_count(c.layers)
    w.add_feed_forward_length(c.hidden)
    w.add_head_count(c.heads)
    w.add_head_count_kv(c.kv_heads)
    w.add_key_length(c.head_dim)
    w.add_value_length(c.head_dim)
    w.add_rope_dimension_count(c.head_dim)
    w.add_rope_freq_base(c.theta)
    w.add_layer_norm_rms_eps(c.epsilon)
    w.add_vocab_size(c.vocabulary)
    stored = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(stored["vocab"], key=stored["vocab"].get)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if t in SPECIALS else gguf.TokenType.NORMAL for t in tokens])
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in stored["merges"]])
    w.add_bos_token_id(tokenizer.token_to_id(END))
    w.add_eos_token_id(tokenizer.token_to_id(STOP))
    w.add_pad_token_id(tokenizer.token_to_id(END))
    w.add_add_bos_token(False)
    w.add_add_space_prefix(False)
    w.add_chat_template(TEMPLATE)
    for name, weight in gguf_weights(model):
        if weight.ndim == 1:
            w.add_tensor(name, weight)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            w.add_tensor(name, gguf.quants.quantize(weight, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def gguf_weights(model: Reader):
    for _, name, weight in named(model):
        if name.endswith("attn_q.weight"):
            weight = interleaved(weight, model.config.heads)
        elif name.endswith("attn_k.weight"):
            weight = interleaved(weight, model.config.kv_heads)
        yield name, weight.float().contiguous().numpy()


def check_hugging_face(model: Reader, tokenizer: Tokenizer, folder: Path) -> float:
    """The largest difference between our logits and those of Hugging Face's Llama over the written folder."""
    from transformers import AutoTokenizer, LlamaForCausalLM
    theirs = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    chat = [{"role": "user", "content": "The Marigold carried oranges.\n\nWhat cargo did the Marigold carry? 10:45"}]
    read = AutoTokenizer.from_pretrained(folder)
    text = read.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = tokenizer.encode(text).ids
    assert read(text)["input_ids"] == ids, "the tokenizers differ"
    with torch.no_grad():
        ours, other = model(torch.tensor(ids)), theirs(torch.tensor([ids])).logits[0]
    difference = float((ours - other).abs().max())
    assert difference < 1e-4, f"logits differ by {difference}"
    return difference


def check_gguf(model: Reader, path: Path) -> float:
    """The largest error of a stored weight, relative to the largest weight in its row; rows of next to nothing, which
    belong to neurons that died, count as a hundredth of the largest row."""
    stored = {t.name: t for t in gguf.GGUFReader(path).tensors}
    worst = 0.0
    for name, weight in gguf_weights(model):
        t = stored.pop(name)
        values = gguf.quants.dequantize(t.data, t.tensor_type).reshape(weight.shape)
        largest = np.abs(weight).max(-1)
        worst = max(worst, float((np.abs(values - weight).max(-1) / np.maximum(largest, largest.max() / 100)).max()))
    assert not stored and worst < 0.01, f"left over {list(stored)}, error {worst}"
    size, limit = path.stat().st_size, LIMITS[path.stem]
    assert size < limit, f"{size} bytes are over {limit}"
    return worst


def rounded(model: Reader) -> Reader:
    """The model with the weights that the GGUF file will hold."""
    kind = gguf.GGMLQuantizationType.Q8_0
    copy = Reader(model.config).eval()
    copy.load_state_dict({name: torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(w.numpy(), kind), kind))
                          if w.ndim == 2 else w for name, w in model.state_dict().items()})
    return copy


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, default=Path("build"))
    p.add_argument("--resources", type=Path, default=Path("../Sources/Apus/Resources"))
    p.add_argument("--models", nargs="+", default=list(CONFIGS))
    a = p.parse_args()
    for name in a.models:
        model, tokenizer = load(a.out, name)
        path = a.resources / f"{name}.gguf"
        write_hugging_face(model, tokenizer, a.out / f"{name}-hf")
        write_gguf(name, model, tokenizer, path)
        print({"parameters": sum(p.numel() for p in model.parameters()), "bytes": path.stat().st_size,
               "largest logit difference to Hugging Face": check_hugging_face(model, tokenizer, a.out / f"{name}-hf"),
               "largest rounding error of a weight": check_gguf(model, path), "config": asdict(model.config)})


if __name__ == "__main__":
    main()
