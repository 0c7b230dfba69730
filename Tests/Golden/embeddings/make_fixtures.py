"""Makes the tiny random BERT of this folder and what transformers computes with it.

    python make_fixtures.py

Needs torch, transformers, tokenizers, safetensors, gguf.

    bert/          a folder as sentence-transformers writes it: mean pooling, normalised
    bert.gguf      the same model as llama.cpp writes it, F32
    ranker/        a cross-encoder (BertForSequenceClassification, one label)
    golden.json    texts, their tokens, a vector for each pooling, scores of documents for a query
"""

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForSequenceClassification, BertModel

HERE = Path(__file__).resolve().parent
torch.set_num_threads(1)

CONFIG = dict(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=64,
    type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the a of to and in is it you that he was for on are with as his they at be this have from or one had by word
but not what all were we when your can said there use an each which she do how their if will up other about out many
then them these so some her would make like him into time has look two more write go see number no way could people
my than first water been call who oil its now find long down day did get come made may part bird swift river house
cafe naive city town sun moon rain""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PUNCTUATION = list("!\"#$%&'()*+,-./:;?@[]_{}") + ["中", "文"]
TEXTS = [
    "The swift made its way along the river.", "How many people live in this city?", "the", "",
    "Café naïve: NOT what they said!", "中文 in the house", "unknownish qwordz \u2603 end",
    "water " * 20, "a b c d e f g", "rain, rain; go-away (day two)", "it's 2 + 3 = 5",
    "Moon and sun were there when she came to find him, and they all looked up.",
]
QUERY = "where did the bird go"
DOCUMENTS = ["The bird went down to the river.", "Oil and water", "Many people call this town their house.", "bird"]


def vocabulary():
    pieces = SPECIAL + list(LETTERS) + list("0123456789") + PUNCTUATION
    pieces += ["##" + c for c in LETTERS + "0123456789"] + ["##ing", "##ed", "##s", "##er", "##ly"]
    return list(dict.fromkeys(pieces + [w for w in WORDS if len(w) > 1]))


def randomize(model):
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "LayerNorm" in name:
            parameter.data = 1 + 0.2 * noise if name.endswith("weight") else 0.2 * noise
        else:
            parameter.data = noise * (0.4 if parameter.dim() > 1 else 0.1)
    return model.eval()


def tensors(model):
    return {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}


def folder(name, model, tokenizer, architecture, more=None):
    path = HERE / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    save_file(tensors(model), path / "model.safetensors", metadata={"format": "pt"})
    fields = dict(model_type="bert", architectures=[architecture], vocab_size=model.config.vocab_size, **CONFIG)
    (path / "config.json").write_text(json.dumps(fields | (more or {}), indent=1) + "\n")
    tokenizer.save(str(path / "tokenizer.json"), pretty=False)
    return path


def save_gguf(path, model, pieces):
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny")
    writer.add_context_length(CONFIG["max_position_embeddings"])
    writer.add_embedding_length(CONFIG["hidden_size"])
    writer.add_feed_forward_length(CONFIG["intermediate_size"])
    writer.add_block_count(CONFIG["num_hidden_layers"])
    writer.add_head_count(CONFIG["num_attention_heads"])
    writer.add_layer_norm_eps(CONFIG["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(CONFIG["type_vocab_size"])
    # llama.cpp writes "▁word" for "word" and "ing" for "##ing".
    writer.add_token_list([p if p in SPECIAL else p[2:] if p.startswith("##") else "\u2581" + p for p in pieces])
    writer.add_token_types(
        [gguf.TokenType.CONTROL if p in SPECIAL else gguf.TokenType.NORMAL for p in pieces])
    for key, token in [("padding", "[PAD]"), ("unknown", "[UNK]"), ("cls", "[CLS]"), ("bos", "[CLS]"),
                       ("seperator", "[SEP]"), ("mask", "[MASK]")]:
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", pieces.index(token))
    parts = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, CONFIG["num_hidden_layers"])
    for name, tensor in tensors(model).items():
        if name.startswith("pooler.") or name.endswith("position_ids"):
            continue  # llama.cpp leaves them out too
        writer.add_tensor(parts.get_name(name, try_suffixes=(".weight", ".bias")), tensor.numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def vectors(model, ids):
    hidden = model(torch.tensor([ids])).last_hidden_state[0].double()
    pooled = dict(mean=hidden.mean(0), cls=hidden[0], last=hidden[-1])
    return {name: [round(x, 7) for x in (v / v.norm()).tolist()] for name, v in pooled.items()}


@torch.no_grad()
def main():
    pieces = vocabulary()
    listed = HERE / "vocab.txt"
    listed.write_text("".join(p + "\n" for p in pieces))
    tokenizer = BertWordPieceTokenizer(str(listed), lowercase=True)
    config = BertConfig(vocab_size=len(pieces), **CONFIG)
    model = randomize(BertModel(config))
    path = folder("bert", model, tokenizer, "BertModel")
    (path / "sentence_bert_config.json").write_text('{"max_seq_length": 48, "do_lower_case": false}\n')
    (path / "1_Pooling").mkdir()
    (path / "1_Pooling" / "config.json").write_text(json.dumps(dict(
        word_embedding_dimension=32, pooling_mode_cls_token=False, pooling_mode_mean_tokens=True)) + "\n")
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    (path / "modules.json").write_text(json.dumps([
        dict(idx=i, name=str(i), path=where, type=f"sentence_transformers.models.{kind}")
        for i, (kind, where) in enumerate(kinds)]) + "\n")
    save_gguf(HERE / "bert.gguf", model, pieces)

    config.num_labels = 1
    ranker = randomize(BertForSequenceClassification(config))
    folder("ranker", ranker, tokenizer, "BertForSequenceClassification", dict(id2label={"0": "LABEL_0"}))
    scores = []
    for document in DOCUMENTS:
        pair = tokenizer.encode(QUERY, document)
        logits = ranker(torch.tensor([pair.ids]), token_type_ids=torch.tensor([pair.type_ids])).logits
        scores.append(round(torch.sigmoid(logits.double())[0, 0].item(), 7))
    encodings = [tokenizer.encode(text).ids for text in TEXTS]
    golden = dict(
        texts=[dict(text=t, tokens=ids, **vectors(model, ids)) for t, ids in zip(TEXTS, encodings)],
        query=QUERY, documents=DOCUMENTS, scores=scores)
    text = json.dumps(golden, ensure_ascii=False).replace('{"text"', '\n{"text"')
    (HERE / "golden.json").write_text(text + "\n")
    print(f"{len(TEXTS)} texts of {[len(ids) for ids in encodings]} tokens, scores {scores}")


main()
