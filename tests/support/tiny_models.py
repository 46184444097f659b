"""A BERT of two layers with random weights, in the layout of transformers, and its adapters."""

import json
import shutil
import warnings


def make_plain_model(folder, *, seed):
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    letters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    (folder / "vocab.txt").write_text("\n".join([*words, *("##" + letter for letter in letters)]))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertModel(
            BertConfig(
                vocab_size=len(words) + len(letters),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=64,
            )
        )
    model.save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def make_router(plain, folder):
    """Save a model with a transformer for queries and one for passages, both of them `plain`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Router, Transformer

    routes = [[Transformer(str(plain)), Pooling(32, "mean")] for _ in ("query", "document")]
    router = Router.for_query_document(*routes)
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(str(folder))
    return folder


def save_static(folder):
    """Save a static model with a tokenizer of a few words, which cuts nothing off."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"?": 0, "the": 1, "river": 2, "q": 3}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_dim=4)], device="cpu", prompts={"query": "q "}
    )
    model.save(str(folder))
    return folder


def leave_out(path, *words):
    """Take the weights whose names have one of the words out of a file."""
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    left = {name: one for name, one in weights.items() if not any(w in name for w in words)}
    assert len(left) < len(weights)
    save_file(left, path, metadata={"format": "pt"})


def make_adapter(base, folder, *, seed=0, changes=True):
    """Save a LoRA adapter of a model, as PEFT does; without `changes` it adds nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    targets = ["query", "value"]
    with torch.random.fork_rng(), warnings.catch_warnings():
        # PEFT asks for an attribute that transformers is about to rename.
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        model = get_peft_model(
            AutoModel.from_pretrained(base),
            LoraConfig(r=4, target_modules=targets, task_type="FEATURE_EXTRACTION"),
        )
        for name, weight in model.named_parameters():
            if changes and "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.3)
        model.save_pretrained(folder)
    return folder


def make_adapter_with_modules(base, folder, *, seed=0):
    """Save an adapter as sentence-transformers does: the model's folder without its weights."""
    skip = shutil.ignore_patterns("model.safetensors", "config.json", "README.md")
    shutil.copytree(base, folder, ignore=skip)
    shutil.copytree(base / "1_Pooling", folder / "1_Pooling", dirs_exist_ok=True)
    return make_adapter(base, folder, seed=seed)


def edit(path, **changes):
    """Change some keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
