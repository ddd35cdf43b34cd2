"""The in-place loss matches torch in value and gradient, and a second backward pass is an error."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill_torch import cross_entropy as module
from dstill_torch.cross_entropy import cross_entropy


def random_batch(tokens: int, vocabulary: int, *, seed: int = 0, size: float = 3.0) -> tuple[torch.Tensor, ...]:
    """Logits, labels and the weight of each token."""
    generator = torch.Generator().manual_seed(seed)
    return (
        size * torch.randn(tokens, vocabulary, generator=generator),
        torch.randint(vocabulary, (tokens,), generator=generator),
        torch.rand(tokens, generator=generator),
    )


def gradients(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Losses and the gradient of their weighted sum: torch's, then ours."""
    found = []
    for loss in (lambda a, b: torch.nn.functional.cross_entropy(a.float(), b, reduction="none"), cross_entropy):
        leaf = logits.clone().requires_grad_()
        losses = loss(leaf * 1, labels)  # as a head's output: no leaf
        (losses * weights).sum().backward()
        assert leaf.grad is not None
        found += [losses.detach(), leaf.grad]
    return tuple(found)


@settings(max_examples=50)
@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 99), st.sampled_from([0.0, 1.0, 30.0, 3000.0]))
def test_losses_and_gradients_match_torch(tokens: int, vocabulary: int, seed: int, size: float) -> None:
    theirs, slope, ours, own = gradients(*random_batch(tokens, vocabulary, seed=seed, size=size))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(own, slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
def test_chunk_size_changes_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_batch(20, 16)
    *_, ours, own = gradients(*data)
    monkeypatch.setattr(module, "CHUNK", 16 * rows)
    *_, again, same = gradients(*data)
    torch.testing.assert_close(again, ours, rtol=0, atol=1e-6)
    torch.testing.assert_close(same, own, rtol=0, atol=1e-6)


def test_bf16_logits_are_summed_in_fp32_and_their_gradient_is_bf16() -> None:
    logits, labels, weights = random_batch(8, 500)
    theirs, slope, ours, own = gradients(logits.bfloat16(), labels, weights)
    assert (ours.dtype, own.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(own, slope, rtol=2**-7, atol=1e-6)


def test_gradient_reuses_the_memory_of_logits() -> None:
    logits, labels, weights = random_batch(8, 16)
    head = logits.clone().requires_grad_() * 1
    seen: list[int] = []
    head.register_hook(lambda gradient: seen.append(gradient.data_ptr()))
    (cross_entropy(head, labels) * weights).sum().backward()
    assert seen == [head.data_ptr()]


def test_second_backward_and_overwritten_output_are_errors() -> None:
    logits, labels, weights = random_batch(8, 16)
    loss = (cross_entropy(logits.clone().requires_grad_() * 1, labels) * weights).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    capped = torch.tanh(logits.clone().requires_grad_())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        cross_entropy(capped, labels).sum().backward()
