"""What a figure was measured on."""

import contextlib
import os
import platform
import sys
from datetime import UTC, datetime


def facts() -> dict[str, str | int | float]:
    """The machine, the date, and how busy the machine was."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        **_gpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def in_words() -> str:
    """On one line."""
    known = facts()
    gpu = f"{known['gpu']}, " if "gpu" in known else ""
    return (
        f"{gpu}{known['cpu']}, {known['cores']} cores, {known['system']}, Python {known['python']};"
        f" {known['date']}; load before {known['load_before']}"
    )


def _cpu() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _gpu() -> dict[str, str]:
    """Known only where a model has brought torch."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    return {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__}
