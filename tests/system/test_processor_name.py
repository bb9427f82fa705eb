"""Processors are told apart also where they have no model name."""

from __future__ import annotations

import pytest

from system.processor_name import parse_processor_name, processor_name

INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.60GHz\n"


def arm(processor: int, part: str, variant: str = "0x3", implementer: str = "0x41") -> str:
    return (
        f"processor\t: {processor}\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: {implementer}\n"
        f"CPU architecture: 8\nCPU variant\t: {variant}\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
    )


@pytest.mark.parametrize(
    ("cpuinfo", "device", "expected"),
    [
        (INTEL + "\n" + INTEL, "", "Intel(R) Xeon(R) CPU @ 2.60GHz"),
        (arm(0, "0xd0c") + arm(1, "0xd0c"), "", "implementer 0x41, part 0xd0c, variant 0x3"),
        (arm(0, "0xd40", "0x1"), "", "implementer 0x41, part 0xd40, variant 0x1"),
        (
            arm(0, "0xd05", "0x1") + arm(1, "0xd0b", "0x3"),
            "",
            "implementer 0x41, part 0xd05, variant 0x1 and implementer 0x41, part 0xd0b, variant 0x3",
        ),
        (
            arm(0, "0xd08", "0x0") + "Hardware\t: BCM2835\nModel\t\t: another name\n",
            "Raspberry Pi 4 Model B Rev 1.4\0",
            "Raspberry Pi 4 Model B Rev 1.4 (implementer 0x41, part 0xd08, variant 0x0)",
        ),
        (
            arm(0, "0xd08", "0x0") + "Hardware\t: BCM2835\n",
            "",
            "BCM2835 (implementer 0x41, part 0xd08, variant 0x0)",
        ),
        (arm(0, "0x022", "0x1", "0x61"), "", "implementer 0x61, part 0x022, variant 0x1"),
        ("processor\t: 0\nhart\t: 2\n", "", None),
        ("", "", None),
    ],
)
def test_a_processor_is_named_by_all_that_tells_it_from_others(cpuinfo: str, device: str, expected: str | None) -> None:
    assert parse_processor_name(cpuinfo, device) == expected


def test_this_machines_processor_has_a_name() -> None:
    assert processor_name()
