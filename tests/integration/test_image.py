"""The Dockerfile: its own lines run, with their paths in a temporary folder."""

import fnmatch
import json
import os
import re
import shlex
import shutil
import sysconfig
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from tests.commands import BIN, CHECKOUT, succeeded
from tests.operating import Machine, dockerfile, sh, tracked


def copied_in(stage: dict[str, list[str]]) -> list[tuple[str, str]]:
    """What COPY takes from the checkout: (source, folder or file it becomes)."""
    found = []
    for arguments in stage["COPY"]:
        if not arguments.startswith("--from="):
            *sources, target = arguments.split()
            found += [(s, f"{target}{s}" if target == "./" else target) for s in sources]
    return found


def ignored(path: str) -> bool:
    """Does .dockerignore keep a file from the builder? The last line that matches it, or a folder above it, decides."""
    verdict = False
    above = [path, *(str(p) for p in Path(path).parents if str(p) != ".")]
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            tail = pattern.removeprefix("**/")
            names = above if tail == pattern else [Path(p).name for p in above]
            if any(fnmatch.fnmatchcase(name, tail) for name in names):
                verdict = not line.startswith("!")
    return verdict


def test_the_image_runs_our_command_as_a_user_that_is_not_root() -> None:
    last = dockerfile()[-1]
    (user,) = last["USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert set(last["order"][last["order"].index("USER") + 1 :]) == {"ENTRYPOINT", "CMD"}
    assert [json.loads(each) for each in last["ENTRYPOINT"]] == [["chameleon-usage"]]


def test_the_image_takes_no_package_that_the_lock_file_does_not_name() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert "://" not in text and not re.search(r"--(extra-)?index|--trusted-host|\s-i\s", text)
    commands = [c.strip() for stage in dockerfile() for run in stage["RUN"] for c in run.split("&&")]
    pips = [shlex.split(c) for c in commands if " pip " in c]
    assert len(pips) == 5
    for words in pips:
        kind = words[words.index("pip") + 1]
        ours_alone = kind == "wheel" and {"--no-deps", "--no-build-isolation"} <= set(words) and words[-1] == "."
        assert ours_alone or kind == "check" or {"--require-hashes", "--no-index"} & set(words), words
        assert ("-r" in words) == ("--require-hashes" in words)


def test_the_builder_gets_what_it_copies_and_nothing_else() -> None:
    sources = [source for stage in dockerfile() for source, _ in copied_in(stage)]
    for source in sources:
        files = tracked(source)
        assert files and not any(map(ignored, files)), source
    for secret in ("etc/site.yml", ".git/config", "data/x.parquet", "docs/operating/secrets.env", "secrets.env"):
        assert ignored(secret), secret
    assert ignored("loader/__pycache__/cli.cpython-312.pyc") and ignored("tests/unit/test_cli.py")
    allowed = re.findall(r"(?m)^!(.*)$", (CHECKOUT / ".dockerignore").read_text())
    assert sorted(allowed) == sorted(sources)


def tiny_wheel(folder: Path) -> str:
    """A wheel with nothing in it; returns its hash."""
    file = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    parts = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for name, text in parts.items()
    )
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**parts, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return sha256(file.read_bytes()).hexdigest()


def test_the_step_that_fetches_packages_checks_hashes(tmp_path: Path) -> None:
    """The Dockerfile's own line, for a lock file with one package that lies in a folder."""
    fetch = dockerfile()[0]["RUN"][0]
    assert "requirements.lock" in fetch
    right = tiny_wheel(tmp_path)
    # a user's pip settings, and any index, stay out of it
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PATH": f"{BIN}:/bin"}
    cases = {
        "right": (f" --hash=sha256:{right}", 0, ""),
        "wrong": (f" --hash=sha256:{'0' * 64}", 1, "DO NOT MATCH THE HASHES"),
        "none": ("", 1, "Hashes are required"),
    }
    for name, (written, expected, said) in cases.items():
        (tmp_path / "requirements.lock").write_text(f"tiny==1.0{written}\n")
        wheels = tmp_path / f"wheels-{name}"
        ran = sh(fetch.replace("/wheels", str(wheels)), env, cwd=tmp_path)
        assert ran.returncode == expected and said in ran.stderr, ran.stdout + ran.stderr
        assert len(list(wheels.glob("*.whl"))) == (1 if expected == 0 else 0)


def packages_but_ours(folder: Path) -> Path:
    """This venv's packages as links, less chameleon-usage: made from requirements.lock, like the image's."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "chameleon_usage" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def test_the_steps_of_the_image_make_a_command_that_extracts(machine: Machine, tmp_path: Path) -> None:
    """The Dockerfile's RUN lines on the files that it copies, then its CMD; only the packages are already there."""
    build, last = dockerfile()
    source, wheels, venv = (tmp_path / name for name in ("src", "wheels", "opt"))
    wheels.mkdir()
    for origin, target in copied_in(build):
        for file in tracked(origin):
            place = source / (target + file.removeprefix(origin))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / file, place)
    packages = packages_but_ours(tmp_path / "packages")
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(packages), "PIP_CONFIG_FILE": os.devnull}

    def run(command: str) -> None:
        here = command.replace("/opt/chameleon-usage", str(venv)).replace("/wheels", str(wheels))
        ran = succeeded(sh(here, env, cwd=source))
        assert "does not provide the extra" not in ran.stderr

    for step in build["RUN"][1:]:  # the first one fetches the packages
        run(step)
    (copied,) = (c for c in last["COPY"] if c.startswith("--from=build "))
    assert copied.split()[1:] == ["/opt/chameleon-usage"] * 2  # a venv can't move
    assert any("/opt/chameleon-usage/bin:" in e for e in last["ENV"])
    (entrypoint,), (arguments,) = last["ENTRYPOINT"], last["CMD"]
    words = [machine.here(word) for word in json.loads(arguments)]
    command = [str(venv / "bin" / json.loads(entrypoint)[0]), *words]
    machine.extracted(command, {**machine.secrets, "PYTHONPATH": str(packages)}, cwd=machine.data_dir.parent)
    found = succeeded(sh([str(venv / "bin/python"), "-c", "import loader; print(loader.__file__)"], env, cwd=tmp_path))
    assert found.stdout.startswith(str(venv))
