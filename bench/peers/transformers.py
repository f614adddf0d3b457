"""The vision transformer and BERT as plain PyTorch modules, with the parameter names of timm and of HuggingFace's transformers.

Written from the papers and from what those libraries' state_dicts hold: neither library is needed.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class DeitAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, d))


class DeitBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, 1e-6), DeitAttention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, 1e-6), nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class Deit(nn.Module):
    """arXiv 2012.12877, without distillation."""

    def __init__(self, num_classes=1000, img_size=224, patch_size=16, dim=192, depth=12, heads=3):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, dim, patch_size, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, (img_size // patch_size) ** 2 + 1, dim))
        self.blocks = nn.ModuleList(DeitBlock(dim, heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(dim, 1e-6), nn.Linear(dim, num_classes)

    def forward(self, x):
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class BertLayer(nn.Module):
    def __init__(self, hidden, heads, intermediate, dropout):
        super().__init__()
        self.heads = heads
        self.attention, self.intermediate, self.output = nn.Module(), nn.Module(), nn.Module()
        own = self.attention.self = nn.Module()
        own.query, own.key, own.value = (nn.Linear(hidden, hidden) for _ in range(3))
        own.dropout = nn.Dropout(dropout)
        joined = self.attention.output = nn.Module()
        joined.dense, joined.LayerNorm, joined.dropout = nn.Linear(hidden, hidden), nn.LayerNorm(hidden, 1e-12), nn.Dropout(dropout)
        self.intermediate.dense = nn.Linear(hidden, intermediate)
        self.output.dense, self.output.LayerNorm, self.output.dropout = nn.Linear(intermediate, hidden), nn.LayerNorm(hidden, 1e-12), nn.Dropout(dropout)

    def forward(self, x, bias):
        n, t, d = x.shape
        own, joined = self.attention.self, self.attention.output
        q, k, v = (layer(x).view(n, t, self.heads, d // self.heads).transpose(1, 2) for layer in (own.query, own.key, own.value))
        weights = own.dropout((q @ k.transpose(-2, -1) / math.sqrt(d // self.heads) + bias).softmax(-1))
        x = joined.LayerNorm(joined.dropout(joined.dense((weights @ v).transpose(1, 2).reshape(n, t, d))) + x)
        return self.output.LayerNorm(self.output.dropout(self.output.dense(F.gelu(self.intermediate.dense(x)))) + x)


class Bert(nn.Module):
    """arXiv 1810.04805 with a classifier, as BertForSequenceClassification."""

    def __init__(self, vocab_size=30522, max_position=512, hidden=768, layers=12, heads=12, intermediate=3072, num_labels=2, dropout=0.1):
        super().__init__()
        self.bert = nn.Module()
        words = self.bert.embeddings = nn.Module()
        words.word_embeddings = nn.Embedding(vocab_size, hidden, padding_idx=0)
        words.position_embeddings = nn.Embedding(max_position, hidden)
        words.token_type_embeddings = nn.Embedding(2, hidden)
        words.LayerNorm, words.dropout = nn.LayerNorm(hidden, 1e-12), nn.Dropout(dropout)
        self.bert.encoder = nn.Module()
        self.bert.encoder.layer = nn.ModuleList(BertLayer(hidden, heads, intermediate, dropout) for _ in range(layers))
        self.bert.pooler = nn.Module()
        self.bert.pooler.dense = nn.Linear(hidden, hidden)
        self.dropout, self.classifier = nn.Dropout(dropout), nn.Linear(hidden, num_labels)

    def forward(self, input_ids, token_type_ids, attention_mask):
        words = self.bert.embeddings
        x = words.word_embeddings(input_ids) + words.token_type_embeddings(token_type_ids) + words.position_embeddings.weight[: input_ids.shape[1]]
        x = words.dropout(words.LayerNorm(x))
        bias = ((1 - attention_mask[:, None, None, :]) * -10000.0).to(x.dtype)
        for layer in self.bert.encoder.layer:
            x = layer(x, bias)
        return self.classifier(self.dropout(torch.tanh(self.bert.pooler.dense(x[:, 0]))))
