"""Train ResNet8 on handwritten digits, quantize it three ways and write the sample models."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import onnx_samples
import torch
import torch_samples
from digits import Digits, load_split
from onnxruntime.quantization import QuantFormat
from resnet8 import ResNet8, fold_batch_norms
from torch.nn import functional
from write_tables import replace_block, write_tables

MODELS = Path(__file__).resolve().parent
SEED = 20
EPOCHS = 8
BATCH = 32
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4
CALIBRATION_IMAGES = 256


def train(digits: Digits) -> ResNet8:
    """Train from seeded weights with AdamW and a one-cycle learning rate."""
    torch.use_deterministic_algorithms(mode=True)
    model = ResNet8().train()
    steps = len(digits.train_images) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, epochs=EPOCHS, steps_per_epoch=steps
    )
    for epoch in range(EPOCHS):
        order = torch.randperm(len(digits.train_images))
        total = 0.0
        for batch in order[: steps * BATCH].split(BATCH):
            optimizer.zero_grad()
            logits = model(digits.train_images[batch])
            loss = functional.cross_entropy(logits, digits.train_labels[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / steps:.4f}")
    torch.use_deterministic_algorithms(mode=False)  # quantized layers have none
    return model


def build(folder: Path) -> dict[str, tuple[int, int]]:
    """Write all samples into ``folder``; return right answers and images judged, by file name."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # sums come in one order, whatever the machine
    digits = load_split(SEED)
    calibration = digits.train_images[:CALIBRATION_IMAGES]
    images = digits.held_out_images
    logits: dict[str, torch.Tensor] = {}

    model = fold_batch_norms(train(digits))
    torch_samples.save_float(model, folder / "resnet8.pt")
    quantized = torch_samples.quantize(model, calibration)
    torch_samples.save_int8(quantized, folder / "resnet8_int8.pt")
    for name in ("resnet8.pt", "resnet8_int8.pt"):
        logits[name] = torch_samples.predict(folder / name, images)

    source = folder / "resnet8.onnx"
    onnx_samples.save_float(model, source)
    logits[source.name] = onnx_samples.predict(source, images)
    for name, style in (
        ("resnet8_int8_qdq.onnx", QuantFormat.QDQ),
        ("resnet8_uint8_qoperator.onnx", QuantFormat.QOperator),
    ):
        onnx_samples.save_quantized(source, folder / name, calibration, style=style)
        logits[name] = onnx_samples.predict(folder / name, images)
    labels = digits.held_out_labels
    return {
        name: (int((rows.argmax(1) == labels).sum()), len(labels)) for name, rows in logits.items()
    }


def accuracy_table(results: dict[str, tuple[int, int]]) -> list[str]:
    """Return the Markdown rows of the held-out accuracies."""
    rows = ["| file | held-out accuracy | right / images |", "|---|---|---|"]
    for name, (right, count) in results.items():
        rows.append(f"| `{name}` | {right / count:.2%} | {right} / {count} |")
    return rows


def main() -> None:
    """Build into the folder given, by default this one, and bring its README up to date."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MODELS
    start = time.perf_counter()
    rows = accuracy_table(build(folder))
    print("\n".join(rows))
    print(f"{time.perf_counter() - start:.0f} s")
    if folder.resolve() == MODELS:
        replace_block(MODELS / "README.md", "accuracy", rows)
        write_tables(MODELS)


if __name__ == "__main__":
    main()
