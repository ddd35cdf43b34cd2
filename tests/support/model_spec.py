"""A model of the smallest size, for tests that need one of any size."""

from __future__ import annotations

from dstill.api.modality import ModelSpec

SMALLEST = ModelSpec(
    architecture="x",
    parameters=1,
    embedding=0,
    linears={},
    layers=1,
    hidden=1,
    feed_forward=1,
    heads=1,
    vocabulary=1,
    encoder_decoder=False,
)
