"""The linked model: an encoder of positions with features and relations, and a decoder that copies by pointing.

    model = LinkedModel(Shape(features=…, tokens=…, width=128, heads=4, …))
    memory = model.encode(batch)                          # [rows, positions, width]
    logits = model.decode(memory, batch.mask, previous)   # [rows, written, tokens + positions]

A position is the weighted sum of the embeddings of its features, and a projection of the mean vector of its words
(`dstill_linked.meanings`), which training leaves as they are. Relations between positions (`relations`) are biases
of the encoder's attention, one number for each head and kind (Shaw et al. 2018; RAT-SQL, Wang et al. 2020, section
4.2). An output is a token of structure, or a position: its score is the product of a query of the decoder and a key of
the encoder (Pointer Networks, Vinyals et al. 2015). A written pointer is read back as the encoder's state of its
position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from dstill_linked.meanings import vectors
from dstill_linked.shape import MEANING_WIDTH, START, WEIGHTS, Shape

__all__ = ["Cache", "LinkedModel", "Sources"]

_MASK = -1e4


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Readings as tensors."""

    features: Tensor  # [all features of all positions] rows of the embedding; beyond, rows of `meanings.vectors`
    weights: Tensor  # the same length: their weights
    offsets: Tensor  # [rows * positions] where the features of a position begin
    relations: Tensor  # [rows, positions, positions] kinds of relations
    mask: Tensor  # [rows, positions] True: a position, False: padding

    def to(self, device: torch.device) -> Sources:
        """The same on another device."""
        return Sources(**{name: value.to(device) for name, value in vars(self).items()})


class Norm(nn.Module):
    """RMS normalization (Zhang and Sennrich 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


class Attention(nn.Module):
    """Attention with an additive bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))

    def keys(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of `x`, both [rows, heads, length, width / heads]."""
        return self._split(self.k_proj(x)), self._split(self.v_proj(x))

    def forward(self, x: Tensor, keys: tuple[Tensor, Tensor], bias: Tensor | None) -> Tensor:
        queries, (keys_, values) = self._split(self.q_proj(x)), keys
        # Written out: on a CPU, torch's fused attention takes six times as long for sequences as short as these.
        scores = queries @ keys_.transpose(-2, -1) / math.sqrt(queries.shape[-1])
        weights = torch.softmax(scores if bias is None else scores + bias, -1, dtype=torch.float32)
        out: Tensor = self.o_proj((weights.to(values.dtype) @ values).transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Two layers with a squared ReLU (So et al. 2021, Primer)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(functional.relu(self.up(x)).square())
        return out


class EncoderLayer(nn.Module):
    """Attention over positions, then two dense layers; both after a norm and with a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm_attention, self.norm_dense = Norm(shape.width), Norm(shape.width)
        self.attention = Attention(shape.width, shape.heads)
        self.dense = FeedForward(shape.width, shape.hidden)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        normed = self.norm_attention(x)
        x = x + self.attention(normed, self.attention.keys(normed), bias)
        out: Tensor = x + self.dense(self.norm_dense(x))
        return out


class DecoderLayer(nn.Module):
    """Attention over what is written, attention over positions, then two dense layers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm_written, self.norm_memory, self.norm_dense = (Norm(shape.width) for _ in range(3))
        self.written = Attention(shape.width, shape.heads)
        self.memory = Attention(shape.width, shape.heads)
        self.dense = FeedForward(shape.width, shape.hidden)

    def forward(
        self,
        x: Tensor,
        before: tuple[Tensor, Tensor] | None,
        memory: tuple[Tensor, Tensor],
        causal: Tensor | None,
        mask: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The new states, and the keys and values of everything written so far."""
        normed = self.norm_written(x)
        keys, values = self.written.keys(normed)
        if before is not None:
            keys, values = torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2)
        x = x + self.written(normed, (keys, values), causal)
        x = x + self.memory(self.norm_memory(x), memory, mask)
        return x + self.dense(self.norm_dense(x)), (keys, values)


@dataclass(kw_only=True)
class Cache:
    """The state of the decoder between two tokens."""

    memory: list[tuple[Tensor, Tensor]]  # of each layer: keys and values of the positions
    pointers: Tensor  # [rows, positions, width] what a written pointer is read as
    targets: Tensor  # [rows, positions, width] keys that pointers are scored with
    mask: Tensor  # [rows, 1, 1, positions] bias of padding
    written: list[tuple[Tensor, Tensor] | None]
    length: int = 0

    def take(self, rows: Tensor) -> None:
        """Keep some rows, in this order."""
        self.memory = [(keys[rows], values[rows]) for keys, values in self.memory]
        self.pointers, self.targets, self.mask = self.pointers[rows], self.targets[rows], self.mask[rows]
        self.written = [None if pair is None else (pair[0][rows], pair[1][rows]) for pair in self.written]


class LinkedModel(nn.Module):
    """Reads positions and writes tokens and pointers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.features = nn.EmbeddingBag(shape.features, shape.width, mode="sum")
        self.meanings = nn.Linear(MEANING_WIDTH, shape.width, bias=False)
        self.register_buffer("vectors", torch.tensor(vectors()), persistent=False)
        self.relations = nn.Embedding(shape.relations, shape.heads)
        self.tokens = nn.Embedding(shape.tokens, shape.width)
        self.places = nn.Embedding(shape.longest, shape.width)
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.decoder_layers))
        self.norm_memory, self.norm_output = Norm(shape.width), Norm(shape.width)
        self.pointer_in, self.pointer_query, self.pointer_key = (
            nn.Linear(shape.width, shape.width, bias=False) for _ in range(3)
        )
        self._initialize()

    def _initialize(self) -> None:
        """Layers that add to a residual begin with nothing, so that the model begins as its embeddings."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.7 / math.sqrt(module.in_features))
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down.weight")):
                nn.init.zeros_(parameter)
        nn.init.normal_(self.features.weight, std=0.15)
        nn.init.normal_(self.tokens.weight, std=0.1)
        nn.init.normal_(self.places.weight, std=0.05)
        nn.init.zeros_(self.relations.weight)

    def encode(self, sources: Sources) -> Tensor:
        """The states of the positions, [rows, positions, width]."""
        rows, positions = sources.mask.shape
        x = self._embedded(sources).view(rows, positions, -1)
        bias = self.relations(sources.relations).permute(0, 3, 1, 2)
        bias = bias.masked_fill(~sources.mask[:, None, None, :], _MASK)
        for layer in self.encoder:
            x = layer(x, bias.to(x.dtype))
        memory: Tensor = self.norm_memory(x)
        return memory

    def _embedded(self, sources: Sources) -> Tensor:
        """Each position before attention, [rows * positions, width]."""
        weights = sources.weights.to(self.features.weight.dtype)
        beyond = sources.features - self.shape.features
        known = beyond >= 0
        own, own_weights = sources.features.masked_fill(known, 0), weights.masked_fill(known, 0)
        x: Tensor = self.features(own, sources.offsets, per_sample_weights=own_weights)
        meant = functional.embedding_bag(
            beyond.clamp(min=0),
            cast(Tensor, self.vectors).to(weights.dtype),
            sources.offsets,
            mode="sum",
            per_sample_weights=weights.masked_fill(~known, 0),
        )
        return x + cast(Tensor, self.meanings(meant))

    def start(self, memory: Tensor, mask: Tensor) -> Cache:
        """The cache of an answer of which nothing is written."""
        padding = torch.zeros(mask.shape, dtype=memory.dtype, device=memory.device).masked_fill(~mask, _MASK)
        return Cache(
            memory=[cast(DecoderLayer, layer).memory.keys(memory) for layer in self.decoder],
            pointers=self.pointer_in(memory),
            targets=self.pointer_key(memory),
            mask=padding[:, None, None, :],
            written=[None] * len(self.decoder),
        )

    def decode(self, cache: Cache, previous: Tensor) -> Tensor:
        """The scores of what comes after each of `previous`, and the longer cache.

        `previous`, [rows, length]: numbers of tokens; number ``tokens + p`` is a pointer to position p. Returns
        [rows, length, tokens + positions].
        """
        shape = self.shape
        length = previous.shape[1]
        is_pointer = previous >= shape.tokens
        place = (previous - shape.tokens).clamp(min=0)[..., None].expand(-1, -1, shape.width)
        x = torch.where(
            is_pointer[..., None],
            torch.gather(cache.pointers, 1, place),
            self.tokens(previous.masked_fill(is_pointer, START)).to(cache.pointers.dtype),
        )
        x = x + self.places.weight[cache.length : cache.length + length]
        causal = None
        if length > 1:
            causal = torch.full((length, length), _MASK, dtype=x.dtype, device=x.device).triu(1)
        for number, layer in enumerate(self.decoder):
            x, cache.written[number] = layer(
                x, cache.written[number], cache.memory[number], causal, cache.mask.to(x.dtype)
            )
        cache.length += length
        x = self.norm_output(x)
        structure = x @ self.tokens.weight.T.to(x.dtype)
        pointers = self.pointer_query(x) @ cache.targets.transpose(1, 2) / math.sqrt(shape.width)
        return torch.cat([structure, pointers + cache.mask[:, 0].to(x.dtype)], -1)

    def forward(self, sources: Sources, previous: Tensor, place: Tensor | None = None) -> Tensor:
        """The scores of every next token of whole answers.

        `place`, [rows]: the source of each row of `previous`; None: row n has source n.
        """
        memory, mask = self.encode(sources), sources.mask
        if place is not None:
            memory, mask = memory[place], mask[place]
        return self.decode(self.start(memory, mask), previous)

    def save_pretrained(self, folder: str | Path, **_: Any) -> None:
        """Write ``model.safetensors``, as a transformers Trainer asks its model to."""
        from safetensors.torch import save_file

        Path(folder).mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, Path(folder) / WEIGHTS)
