"""The verb `policy`: from a proposal to its activation and undo, with the four eyes of the pages."""

from core.cli import main
from core.store.ledger import Ledger
from core.store.store import Store
from tests.stores import make_store

RUN = "score-work-orders-student-stream"


def test_a_policy_goes_from_proposal_to_force_and_back(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", "en")
    make_store(tmp_path / "store", "tiny")
    assert main(["policy", "list"]) == 0
    assert "no policy is stored" in capsys.readouterr().out
    sato, abe = (["--author", name, "--reason", "why"] for name in ("Sato", "Abe"))
    proposal = ["policy", "propose", "line", "--run", RUN, "--threshold", "0.8"]
    assert main([*proposal, *sato]) == 0
    assert main(["policy", "activate", "line", *abe]) == 5  # never approved
    own = ["policy", "approve", "line", "--author", "sato", "--reason", "why"]
    assert main(own) == 7
    assert "own proposal" in capsys.readouterr().err
    assert main(["policy", "approve", "line:1", *abe]) == 0
    assert main(["policy", "activate", "line:1", *abe]) == 0
    ledger = Ledger(Store(tmp_path / "store"))
    assert ledger.active_policy().content["threshold"] == 0.8
    assert main(["policy", "list"]) == 0
    assert "line:1  active" in capsys.readouterr().out
    assert main(["policy", "undo", "line", *abe]) == 0
    assert ledger.active_policy() is None
