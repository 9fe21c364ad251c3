"""The mutants of tests/mutants.py, by file: name, old text, which occurs once there, new text, and perhaps a test."""

from dataclasses import dataclass

from tests.mutant_list import generic, instances, macros, spans, usage


@dataclass(frozen=True)
class Mutant:
    """A change of one file. `test`: what pytest is to run, where neither a site's numbers nor a build can show it."""

    name: str
    file: str
    old: str
    new: str
    test: str | None = None


_BY_FILE = [each for part in (macros, instances, spans, usage, generic) for each in part.MUTANTS.items()]
MUTANTS = [Mutant(name, file, *texts) for file, named in _BY_FILE for name, texts in named.items()]
