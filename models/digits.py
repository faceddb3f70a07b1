"""The handwritten digits that scikit-learn ships, as images the size ResNet8 takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional

HELD_OUT = 360
"""Images kept from training: a fifth of the 1,797."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Images (N, 3, 32, 32) float32 and labels (N,) int64, split for training and judging."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    held_out_images: torch.Tensor
    held_out_labels: torch.Tensor


def load_split(seed: int) -> Digits:
    """Split the digits by class and normalize them by the training images' mean and deviation."""
    pixels, labels = load_digits(return_X_y=True)
    train, held_out, train_labels, held_out_labels = train_test_split(
        pixels, labels, test_size=HELD_OUT, random_state=seed, stratify=labels
    )
    mean, deviation = train.mean(), train.std()
    return Digits(
        _enlarge(torch.from_numpy((train - mean) / deviation)),
        torch.from_numpy(train_labels),
        _enlarge(torch.from_numpy((held_out - mean) / deviation)),
        torch.from_numpy(held_out_labels),
    )


def _enlarge(pixels: torch.Tensor) -> torch.Tensor:
    """Turn (N, 64) pixels of 8x8 images into (N, 3, 32, 32), three equal channels."""
    images = pixels.float().reshape(-1, 1, 8, 8)
    enlarged = functional.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    return enlarged.repeat(1, 3, 1, 1)
