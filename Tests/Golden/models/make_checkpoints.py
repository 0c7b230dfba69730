"""Makes the tiny random checkpoints of Tests/ApusModelsTests/Fixtures and their golden values.

    python make_checkpoints.py            all fixtures
    python make_checkpoints.py --check    compares llama.cpp's logits on the GGUF files with the golden ones

Needs torch, transformers, safetensors, gguf; llama-cpp-python for --check. A fixture is a folder:

    config.json, model.safetensors   Hugging Face form (or shards with an index)
    model.gguf                       GGUF form, F32 (or two parts)
    golden.json                      what was run and greedy continuations
    logits.f32                       logits of `sequence`, float32 [tokens, vocabulary]

A variant has only the files that differ; `weights` in its golden.json names the folder with the rest.

Rope that depends on the length: transformers chooses frequencies anew as the text grows, Apus once, for the context
length given at load. Where that matters, `contextLength` is the length of `sequence`, so that both rules agree on
it, and the continuations are made with the frequencies held at that length.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from checkpoints import save_gguf, save_huggingface

FIXTURES = Path(__file__).resolve().parents[2] / "ApusModelsTests" / "Fixtures"
torch.set_num_threads(1)
GAP = 1e-3  # least distance between the best two logits of a continuation

SMALL = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    head_dim=8, vocab_size=128, max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=10000.0,
    hidden_act="silu", tie_word_embeddings=False)
BASE = SMALL | dict(hidden_size=64, head_dim=16, vocab_size=131)
QWEN3 = SMALL | dict(model_type="qwen3", hidden_size=40, head_dim=16, intermediate_size=56, rms_norm_eps=1e-6)
QWEN2 = SMALL | dict(model_type="qwen2", hidden_size=36, head_dim=12, num_attention_heads=3, num_key_value_heads=1,
                     num_hidden_layers=4, rms_norm_eps=1e-6, rope_theta=1000000.0)

MODELS = {
    "llama": dict(config=BASE | dict(model_type="llama"), split=True),
    "llama-tied": dict(config=SMALL | dict(model_type="llama", tie_word_embeddings=True), shards=2),
    "llama-wide-heads": dict(config=SMALL | dict(model_type="llama", head_dim=24, num_attention_heads=2)),
    "llama-bias": dict(config=SMALL | dict(model_type="llama", attention_bias=True, num_key_value_heads=4)),
    "smollm3": dict(config=SMALL | dict(
        model_type="smollm3", num_hidden_layers=4, tie_word_embeddings=True, rope_theta=5000.0)),
    "qwen2": dict(config=QWEN2, split=True),
    "qwen3": dict(config=QWEN3, split=True),
}

YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
LONG = dict(
    rope_type="longrope", original_max_position_embeddings=80,
    short_factor=[1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0], long_factor=[1.0, 1.3, 1.9, 2.5, 3.5, 4.0, 5.5, 7.0])


def rope(**scaling):
    return dict(rope_scaling=scaling)


VARIANTS = {
    "mistral": ("llama", dict(model_type="mistral", sliding_window=8)),
    "qwen2-window": ("qwen2", dict(
        use_sliding_window=True, sliding_window=6, max_window_layers=2,
        layer_types=["full_attention", "full_attention", "sliding_attention", "sliding_attention"])),
    "llama-linear": ("llama", rope(rope_type="linear", factor=4.0)),
    "llama-ntk": ("llama", rope(rope_type="ntk", factor=4.0)),
    "llama-dynamic-within": ("llama", rope(rope_type="dynamic", factor=4.0)),
    "llama-dynamic-beyond": ("llama", rope(rope_type="dynamic", factor=4.0) | dict(
        max_position_embeddings=32, context=88)),
    "llama-llama3": ("llama", rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)),
    "llama-yarn": ("llama", rope(**YARN)),
    "llama-yarn-attention": ("llama", rope(**YARN, attention_factor=1.3, beta_fast=4.0, beta_slow=0.25)),
    "llama-yarn-mscale": ("llama", rope(**YARN, mscale=1.0, mscale_all_dim=0.5)),
    "qwen3-yarn": ("qwen3", rope(**YARN, beta_fast=8.0, beta_slow=0.5)),
    "llama-longrope-short": ("llama", rope(**LONG) | dict(max_position_embeddings=320, context=80)),
    "llama-longrope-long": ("llama", rope(**LONG) | dict(max_position_embeddings=320, context=96)),
}


def random_weights(config, seed):
    """Large enough for clear logits and for attention that is neither flat nor one key."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(transformers_config(config))
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if "norm" in name:
            parameter.data = 1 + 0.2 * noise
        elif "bias" in name:
            parameter.data = 0.4 * noise
        elif "embed" in name:
            parameter.data = noise
        elif "lm_head" in name:
            parameter.data = 0.7 * noise
        else:
            parameter.data = 1.8 / parameter.shape[1] ** 0.5 * noise
    tensors = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    return tensors


def transformers_config(config):
    fields = {k: v for k, v in config.items() if k not in ("context", "rope_scaling", "rope_theta")}
    scaling = dict(config.get("rope_scaling") or dict(rope_type="default"))
    theta = config["rope_theta"]
    if scaling["rope_type"] == "ntk":  # transformers knows only the resulting base
        theta *= scaling["factor"] ** (config["head_dim"] / (config["head_dim"] - 2))
        scaling = dict(rope_type="default")
    fields["rope_parameters"] = scaling | dict(rope_theta=theta)
    fields |= dict(pad_token_id=None, bos_token_id=None, eos_token_id=None)
    kind = fields.pop("model_type")
    return AutoConfig.for_model(kind, attn_implementation="eager", **fields)


def reference_model(config, tensors):
    model = AutoModelForCausalLM.from_config(transformers_config(config), dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict(
        {k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    assert not unexpected and all(k == "lm_head.weight" for k in missing), (missing, unexpected)
    model.tie_weights()
    return model


def hold_rope(model, length):
    """Keeps the frequencies that belong to `length`."""
    rotary = model.model.rotary_emb
    init = ROPE_INIT_FUNCTIONS[rotary.rope_type]
    rotary.inv_freq, rotary.attention_scaling = init(model.config, "cpu", seq_len=length)
    rotary.rope_type = "default"


@torch.no_grad()
def logits_of(model, ids):
    return model(torch.tensor(ids), use_cache=False).logits.float()


def continuations(model, vocabulary, seed, count=20, length=64):
    """Greedy continuations whose best two logits always lie apart."""
    generator = np.random.default_rng(seed)
    result = []
    while len(result) < count:
        size = int(generator.integers(4, 17))
        batch = generator.integers(0, vocabulary, size=(12, size)).tolist()
        ids, good = [list(p) for p in batch], [True] * len(batch)
        for _ in range(length):
            best = logits_of(model, ids)[:, -1].topk(2)
            for i, (values, indices) in enumerate(zip(best.values, best.indices)):
                good[i] &= bool(values[0] - values[1] >= GAP)
                ids[i].append(int(indices[0]))
        kept = [(p, i[size:]) for p, i, g in zip(batch, ids, good) if g]
        result += [dict(prompt=p, tokens=t) for p, t in kept[:5]]
    return result[:count]


def write_config(folder, config, legacy):
    """config.json as transformers 5 writes it, or as version 4 did."""
    fields = {k: v for k, v in config.items() if k != "context"}
    if not legacy:
        scaling = fields.pop("rope_scaling", None) or dict(rope_type="default")
        fields["rope_parameters"] = scaling | dict(rope_theta=fields.pop("rope_theta"))
    fields["dtype" if not legacy else "torch_dtype"] = "float32"
    if config["model_type"] == "smollm3":
        fields["no_rope_layer_interval"] = 4
    (folder / "config.json").write_text(json.dumps(fields, indent=1) + "\n")


def write_golden(folder, config, tensors, seed, weights=None):
    model = reference_model(config, tensors)
    context = config.get("context")
    generator = np.random.default_rng(seed)
    length = 48
    if context and context != config.get("rope_scaling", {}).get("original_max_position_embeddings"):
        length = context
    sequence = generator.integers(0, config["vocab_size"], size=length).tolist()
    logits = logits_of(model, [sequence])[0]
    if context:
        hold_rope(model, context)
        held = logits_of(model, [sequence])[0]
        assert (held - logits).abs().max() < 1e-3, "the two rules differ"
    golden = dict(
        weights=weights, contextLength=context or config["max_position_embeddings"], sequence=sequence,
        continuations=continuations(model, config["vocab_size"], seed))
    (folder / "golden.json").write_text(json.dumps(golden).replace('{"prompt"', '\n{"prompt"') + "\n")
    logits.numpy().astype("<f4").tofile(folder / "logits.f32")
    probabilities = logits.softmax(-1).max(-1).values
    print(f"{folder.name:24} {len(sequence)} tokens, logits up to {logits.abs().max():.1f}, "
          f"mean top probability {probabilities.mean():.2f}", flush=True)


def fresh(name):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def make():
    weights = {}
    for seed, (name, model) in enumerate(MODELS.items()):
        folder, config = fresh(name), model["config"]
        tensors = weights[name] = random_weights(config, seed)
        write_config(folder, config, legacy=seed % 2 == 1)
        save_huggingface(folder, tensors, model.get("shards", 1))
        save_gguf(folder, config, config["model_type"], tensors, len(tensors) if model.get("split") else 0)
        write_golden(folder, config, tensors, seed)
    for seed, (name, (base, changes)) in enumerate(VARIANTS.items()):
        folder, config = fresh(name), MODELS[base]["config"] | changes
        write_config(folder, config, legacy=seed % 2 == 0)
        save_gguf(folder, config, MODELS[base]["config"]["model_type"], None, len(weights[base]))
        write_golden(folder, config, weights[base], 100 + seed, weights=base)


def check():
    """llama.cpp must agree on the GGUF files, or they are no fixtures of that format.

    Left out: what llama.cpp does not know (dynamic and NTK rope, windows of Mistral and Qwen2) and LongRoPE's short
    factors, which it never uses here because it rounds the context up to 256.
    """
    from llama_cpp import Llama

    for folder in sorted(FIXTURES.iterdir()):
        if not (folder / "golden.json").exists():
            continue
        golden = json.loads((folder / "golden.json").read_text())
        if any(part in folder.name for part in ("dynamic", "ntk", "mistral", "window", "-short")):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            for source in [FIXTURES / name for name in (golden["weights"], folder.name) if name]:
                for file in source.glob("*.gguf"):
                    shutil.copy(file, temporary)
            path = sorted(Path(temporary).glob("*.gguf"))[0]
            sequence = golden["sequence"]
            config = json.loads((folder / "config.json").read_text())
            scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
            model = Llama(str(path), n_ctx=golden["contextLength"], logits_all=True, verbose=False, n_threads=1,
                          type_k=0, type_v=0, flash_attn=False, n_batch=512,
                          yarn_beta_fast=scaling.get("beta_fast", 32.0), yarn_beta_slow=scaling.get("beta_slow", 1.0))
            model.eval(sequence)
            logits = np.array(model.scores[:len(sequence)])
            expected = np.fromfile(folder / "logits.f32", dtype="<f4").reshape(len(sequence), -1)
            print(f"{folder.name:24} largest difference to llama.cpp {np.abs(logits - expected).max():.2g}")


parser = argparse.ArgumentParser()
parser.add_argument("--check", action="store_true")
check() if parser.parse_args().check else make()
