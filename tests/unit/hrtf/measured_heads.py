"""Files of measured heads: Debian's KEMAR, and sets that are not in this repository."""

import os
from pathlib import Path

import needs
import pytest

KEMAR = Path("/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa")
LEFT_OUT = {
    "KU100": "FHK_HRIR_L2354.sofa",
    "ARI": "hrtf_c_nh898.sofa",
    "CIPIC": "CIPIC_subject_003_hrir_final_itdInDelayField.sofa",
    "LISTEN": "LISTEN_1002_IRC_1002_C_HRIR.sofa",
}
"""Sets whose licences keep them out of this repository; `ENTRAIN_SOFA` names their folder."""
SETS = ["KEMAR", *LEFT_OUT]


def sofa_path(name: str) -> Path:
    """Return the file of a set; skip the test where it is missing."""
    if name == "KEMAR":
        if not KEMAR.exists():
            needs.skip("not installed: libmysofa1")
        return KEMAR
    folder = os.environ.get("ENTRAIN_SOFA")
    if not folder:
        pytest.skip(f"left out: {len(LEFT_OUT)} sets (ENTRAIN_SOFA does not name their folder)")
    return Path(folder) / LEFT_OUT[name]
