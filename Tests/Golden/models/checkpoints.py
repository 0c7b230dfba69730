"""Writes one set of weights as a Hugging Face folder and as GGUF."""

import json
import struct
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
MODEL = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(name):
    stem, suffix = name.rsplit(".", 1)
    if stem in MODEL:
        return f"{MODEL[stem]}.{suffix}"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{LAYER[part]}.{suffix}"


def interleave(tensor, heads):
    """Rows of each head from (i, i + half) to (2i, 2i + 1), as llama.cpp's converter does for Llama."""
    shape = tensor.shape
    return tensor.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def save_huggingface(folder, tensors, shards):
    tensors = {name: np.ascontiguousarray(t) for name, t in tensors.items()}
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    files = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        files.update({name: file for name in part})
    total = sum(t.nbytes for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def gguf_tensors(config, architecture, tensors):
    result = {}
    for name, tensor in tensors.items():
        if architecture in ("llama", "smollm3"):
            if ".q_proj." in name:
                tensor = interleave(tensor, config["num_attention_heads"])
            if ".k_proj." in name:
                tensor = interleave(tensor, config["num_key_value_heads"])
        result[gguf_name(name)] = np.ascontiguousarray(tensor)
    return result


def llama3_divisors(config, scaling):
    """`rope_freqs.weight`, as llama.cpp's converter computes it."""
    dimension, base = config["head_dim"], config["rope_theta"]
    low = scaling["original_max_position_embeddings"] / scaling["low_freq_factor"]
    high = scaling["original_max_position_embeddings"] / scaling["high_freq_factor"]
    divisors = []
    for i in range(0, dimension, 2):
        wavelength = 2 * np.pi * base ** (i / dimension)
        if wavelength < high:
            divisors.append(1)
        elif wavelength > low:
            divisors.append(scaling["factor"])
        else:
            smooth = scaling["original_max_position_embeddings"] / wavelength - scaling["low_freq_factor"]
            smooth /= scaling["high_freq_factor"] - scaling["low_freq_factor"]
            divisors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return np.array(divisors, dtype=np.float32)


def add_scaling(writer, config, architecture):
    """The metadata of rope scaling; returns the tensors that belong to it."""
    scaling = config.get("rope_scaling")
    if not scaling:
        return {}
    kind = scaling["rope_type"]
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(scaling["factor"])
    if "original_max_position_embeddings" in scaling and kind != "llama3":
        writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
    if kind == "yarn":
        own = 1 + 0.1 * np.log(scaling["factor"])
        attention = scaling.get("attention_factor")
        if attention is None and "mscale" in scaling:
            attention = (1 + 0.1 * scaling["mscale"] * np.log(scaling["factor"])) / (
                1 + 0.1 * scaling["mscale_all_dim"] * np.log(scaling["factor"]))
        if attention is not None:
            writer.add_rope_scaling_attn_factors(float(attention / own))
        if "beta_fast" in scaling:
            writer.add_rope_scaling_yarn_beta_fast(scaling["beta_fast"])
            writer.add_rope_scaling_yarn_beta_slow(scaling["beta_slow"])
    if kind == "llama3":
        return {"rope_freqs.weight": llama3_divisors(config, scaling)}
    if kind == "longrope":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
        original = scaling["original_max_position_embeddings"]
        ratio = config["max_position_embeddings"] / original
        writer.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(ratio) / np.log(original))))
        return {
            "rope_factors_long.weight": np.array(scaling["long_factor"], dtype=np.float32),
            "rope_factors_short.weight": np.array(scaling["short_factor"], dtype=np.float32),
        }
    if kind in ("dynamic", "ntk"):  # llama.cpp knows neither
        writer.add_string("apus.rope.scaling.type", kind)
        writer.add_float32("apus.rope.scaling.factor", scaling["factor"])
    return {}


def add_metadata(writer, config, architecture):
    writer.add_name("random")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        writer.add_sliding_window(config["sliding_window"])
        if "layer_types" in config:
            writer.add_sliding_window_pattern([t == "sliding_attention" for t in config["layer_types"]])


def save_gguf(folder, config, architecture, tensors, split):
    """One file; or, with `split`, metadata (and rope tensors) in the first part and weights in the second.

    `tensors` is None when only the first part is wanted.
    """
    names = [folder / "model.gguf"]
    if split:
        names = [folder / f"model-{i + 1:05d}-of-00002.gguf" for i in range(2)]
    first = gguf.GGUFWriter(names[0], architecture)
    add_metadata(first, config, architecture)
    extra = add_scaling(first, config, architecture)
    writers = [first]
    if split:
        writers.append(gguf.GGUFWriter(names[1], architecture))
        for number, writer in enumerate(writers):
            writer.add_uint16("split.no", number)
            writer.add_uint16("split.count", 2)
            writer.add_int32("split.tensors.count", split + len(extra))
    for name, tensor in extra.items():
        first.add_tensor(name, tensor)
    if tensors is None:
        writers.pop()
    else:
        for name, tensor in gguf_tensors(config, architecture, tensors).items():
            writers[-1].add_tensor(name, tensor.astype(np.float32))
    for writer in writers:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
