"""What a line keeps in the store and believes again."""

import os
import stat
from pathlib import Path

from callcenter.telephony.sealed import Seal, unsealed

BODY = b'[{"contact": "sip:anna@10.0.0.7:5060"}]'


def test_only_what_the_line_itself_kept_is_believed(tmp_path: Path) -> None:
    seal = Seal(tmp_path / "line1" / "bindings.key")
    kept = seal.put("line1/anna", BODY)
    assert seal.take("line1/anna", kept) == unsealed(kept) == BODY
    forged = kept.replace(b"10.0.0.7", b"192.0.2.9")
    for owner, sealed in (
        ("line1/anna", forged),
        ("line1/bert", kept),
        ("line1/anna", BODY),
        ("line1/anna", b""),
    ):
        assert seal.take(owner, sealed) == b"[]"


def test_the_key_outlives_the_process_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "bindings.key"
    kept = Seal(path).put("line1/anna", BODY)
    assert Seal(path).take("line1/anna", kept) == BODY
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    path.write_bytes(b"")
    assert Seal(path).take("line1/anna", kept) == b"[]"
