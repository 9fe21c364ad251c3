"""What a person at a shell sees of process, explain, check and status: completions, progress, widths, colours."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from loader import sample
from tests.commands import BIN, WINDOW, run, succeeded, usage
from tests.terminal import on_a_terminal

DATES = ("--start-date", WINDOW[0], "--end-date", WINDOW[1])
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|38;)[0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTH = 80


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the made-up sites in data/, their outputs in output/usage/."""
    folder = tmp_path_factory.mktemp("processed")
    sample.write_sites(folder / "data")
    flags = ("--config", "data/site.yml", "process", "--output", "output/usage", *DATES)
    (folder / "printed").write_text(succeeded(usage(*flags, cwd=folder)).stdout)
    return folder


def completed(words: list[str], folder: Path) -> list[str]:
    """What bash offers for the last of these words, with the script that we print."""
    script = folder / "completion.bash"
    script.write_text(succeeded(usage("completion", "bash")).stdout)
    function = re.search(r"^(\w+)\(\) \{", script.read_text(), re.MULTILINE).group(1)
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; {function} {words[0]}"
    code = f"source {script}; {asked}; echo ${{COMPREPLY[*]}}"
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", code], env={**os.environ, "PATH": path}, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["e"], ["extract", "explain"]),
        (["process", "--res"], ["--resample"]),
        (["explain", "--metric", "occupied_"], ["occupied_reservation", "occupied_ondemand"]),
        (["explain", "--resource", "vcpus_"], ["vcpus_overcommit"]),
        (["check", "--fail-on", "missing_"], ["missing_table", "missing_column", "missing_optional"]),
        (["--config", "data/site.yml", "--site", "sample_b"], ["sample_baremetal"]),
        (["--config", "data/site.yml", "extract", "--site", "sample_k"], ["sample_kvm"]),
        (["--config", "gone.yml", "extract", "--site", ""], []),
        (["completion", ""], ["bash", "zsh"]),
    ],
    ids=lambda words: " ".join(words),
)
def test_bash_completes(words: list[str], offered: list[str], processed: Path) -> None:
    assert set(completed(["chameleon-usage", *words], processed)) == set(offered)


def test_zsh_s_script_is_for_us() -> None:
    script = succeeded(usage("completion", "zsh")).stdout
    assert script.startswith("#compdef chameleon-usage\n")
    assert "_CHAMELEON_USAGE_COMPLETE=zsh_complete" in script


LOOKS = {
    "explain": ("explain", "--site", "sample_baremetal", "--at", "2024-06-01"),
    "explain a sum": ("explain", "--site", "sample_kvm", "--at", "2024-06-01", "--metric", "idle"),
    "check": ("check",),
    "status": ("--config", "data/site.yml", "status"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_tables_fit_a_terminal_of_80_columns(look: str, processed: Path) -> None:
    printed = succeeded(usage(*LOOKS[look], cwd=processed, env={"COLUMNS": str(WIDTH)})).stdout
    assert len(printed.splitlines()) > 3
    assert [line for line in printed.splitlines() if len(line) > WIDTH] == []


def test_what_process_prints_fits_80_columns(processed: Path) -> None:
    lines = [line for line in (processed / "printed").read_text().splitlines() if not line.startswith("wrote ")]
    assert len(lines) > 20
    assert [line for line in lines if len(line) > WIDTH] == []


def processed_on_a_terminal(folder: Path, output: Path, **env: str) -> str:
    """What the terminal was sent while the sites were processed."""
    flags = ("--config", folder / "data/site.yml", "process", "--output", output, *DATES)
    code, sent = on_a_terminal(*flags, **env)
    assert code == 0, sent
    return sent


def test_a_terminal_shows_how_far_each_site_is(processed: Path, tmp_path: Path) -> None:
    sent = processed_on_a_terminal(processed, tmp_path)
    assert COLOUR.search(sent)
    text = ESCAPE.sub("", sent)
    for kind in sample.KINDS:
        steps = re.findall(rf"sample_{kind} +[━╸╺ ]+ +(\d+) of (\d+) ", text)
        done = [int(step) for step, _ in steps]
        assert done == sorted(done)
        assert len(set(done)) > 2, "it was to move"
        assert {of for _, of in steps} == {steps[0][1]}
    assert "stg_" in text, "the model is named"


def test_no_color_takes_the_colours_away(processed: Path, tmp_path: Path) -> None:
    sent = processed_on_a_terminal(processed, tmp_path, NO_COLOR="1")
    assert "━" in sent
    assert not COLOUR.search(sent)


def test_a_pipe_gets_neither_colours_nor_progress(processed: Path, tmp_path: Path) -> None:
    flags = ("--config", processed / "data/site.yml", "process", "--output", tmp_path, *DATES)
    ran = run("chameleon-usage", *flags)
    assert ran.stderr == ""
    assert "\x1b" not in succeeded(ran).stdout
