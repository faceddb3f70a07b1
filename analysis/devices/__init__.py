"""Arithmetic on a GPU, through torch, which is imported when a device is opened and no sooner."""

from tensorpeek.analysis.devices.device import (
    CPU,
    Device,
    DeviceError,
    DeviceMemoryError,
    check_device_name,
    device_kind,
    open_device,
)

__all__ = [
    "CPU",
    "Device",
    "DeviceError",
    "DeviceMemoryError",
    "check_device_name",
    "device_kind",
    "open_device",
]
