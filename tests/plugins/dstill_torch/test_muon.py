"""The optimizer Muon, against torch's own for one matrix."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from dstill_torch.muon import ITERATIONS, muon


class Small(nn.Module):
    """An embedding, two matrices of one shape, a bias, and a head that shares the embedding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(20, 8)
        self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.embedding.weight

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.other(self.one(self.embedding(tokens))))


def step(model: Small, optimizer: torch.optim.Optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    optimizer.zero_grad()
    model(torch.randint(0, 20, (4, 6))).square().mean().backward()
    optimizer.step()


def test_matrices_move_as_with_muon_of_torch_and_the_rest_as_with_adamw() -> None:
    ours, theirs = Small(), Small()
    optimizer = muon(ours, learning_rate=1e-2, weight_decay=0.1)
    matrices = [theirs.one.weight, theirs.other.weight]
    references = [
        torch.optim.Muon(matrices, lr=1e-2, weight_decay=0.1, ns_steps=ITERATIONS, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([theirs.embedding.weight], lr=1e-2, weight_decay=0.1),
        torch.optim.AdamW([theirs.one.bias, theirs.other.bias], lr=1e-2, weight_decay=0.0),
    ]
    for seed in range(3):
        step(ours, optimizer, seed)
        torch.manual_seed(seed)
        for reference in references:
            reference.zero_grad()
        theirs(torch.randint(0, 20, (4, 6))).square().mean().backward()
        for reference in references:
            reference.step()
    for name, weight in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], weight, rtol=0, atol=2e-3)


def test_resumed_state_continues_as_before() -> None:
    model = Small()
    optimizer = muon(model, learning_rate=1e-2, weight_decay=0.0)
    step(model, optimizer, 0)
    again = copy.deepcopy(model)
    resumed = muon(again, learning_rate=5e-3, weight_decay=0.0)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert [group["lr"] for group in resumed.param_groups] == [1e-2, 1e-2, 1e-2]
    step(model, optimizer, 1)
    step(again, resumed, 1)
    for name, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name


@pytest.mark.parametrize("numbers", [1, 64, 10_000])
def test_parts_of_a_shape_are_updated_as_the_whole(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = Small(), Small()
    step(whole, muon(whole, learning_rate=1e-2, weight_decay=0.0), 0)
    monkeypatch.setattr("dstill_torch.muon.LARGEST", numbers)
    step(parts, muon(parts, learning_rate=1e-2, weight_decay=0.0), 0)
    torch.testing.assert_close(parts.state_dict(), whole.state_dict(), rtol=0, atol=1e-4)
