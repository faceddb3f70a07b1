"""The ResNet8 of the MLPerf Tiny image classification benchmark, with flat layer names."""

from __future__ import annotations

import torch
from torch import nn
from torch.fx import GraphModule
from torch.fx.experimental.optimization import fuse


class ResNet8(nn.Module):
    """Nine convolutions in three residual stacks, then one dense layer.

    Takes (N, 3, 32, 32) float32 images and returns (N, 10) logits. Layers are attributes of the
    model itself, so that every exported format shows the same short names. Convolutions are
    padded by 1 on all sides, where Keras pads stride 2 on one side only, and the reference's last
    softmax is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._add_convolution(1, 3, 16)
        self._add_convolution(2, 16, 16)
        self._add_convolution(3, 16, 16)
        self._add_convolution(4, 16, 32, stride=2)
        self._add_convolution(5, 32, 32)
        self.conv2d_6 = nn.Conv2d(16, 32, 1, stride=2)
        self._add_convolution(7, 32, 64, stride=2)
        self._add_convolution(8, 64, 64)
        self.conv2d_9 = nn.Conv2d(32, 64, 1, stride=2)
        for number in (1, 2, 3, 4, 5, 7, 8):
            self.add_module(f"relu_{number}", nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def _add_convolution(self, number: int, channels: int, filters: int, stride: int = 1) -> None:
        """Add a 3x3 convolution without a bias and the batch norm that follows it."""
        convolution = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.add_module(f"conv2d_{number}", convolution)
        self.add_module(f"batch_norm_{number}", nn.BatchNorm2d(filters))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the (N, 10) logits of (N, 3, 32, 32) images."""
        stem = self.relu_1(self.batch_norm_1(self.conv2d_1(images)))
        first = self.relu_2(self.batch_norm_2(self.conv2d_2(stem)))
        first = self.relu_3(self.batch_norm_3(self.conv2d_3(first)) + stem)
        second = self.relu_4(self.batch_norm_4(self.conv2d_4(first)))
        second = self.relu_5(self.batch_norm_5(self.conv2d_5(second)) + self.conv2d_6(first))
        third = self.relu_7(self.batch_norm_7(self.conv2d_7(second)))
        third = self.relu_8(self.batch_norm_8(self.conv2d_8(third)) + self.conv2d_9(second))
        return self.dense(torch.flatten(self.pool(third), 1))


def fold_batch_norms(model: ResNet8) -> GraphModule:
    """Return the trained model as a graph, each batch norm folded into its convolution."""
    folded = fuse(model.eval()).requires_grad_(requires_grad=False)
    for node in folded.graph.nodes:
        node.type = None  # an annotation, a string here, which a graph cannot pickle
    folded.recompile()
    return folded
