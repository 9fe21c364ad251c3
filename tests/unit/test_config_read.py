"""The config: files that can't be read, variables in it, what config check and config schema say."""

import json
import os
from pathlib import Path

import pytest

from loader import config_check
from loader.config import SiteEntry, places, read, select, with_database
from loader.errors import UsageError
from tests.two_sites import PASSWORD


@pytest.mark.parametrize(("name", "says"), [("absent.yml", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_can_not_be_read_is_named(name: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError) as raised:
        read(path)
    assert str(raised.value) == f"{path}: {says}; --config must name a readable file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(config) -> None:
    path = config()
    path.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        read(path)


def test_keys_that_yaml_reads_as_numbers_or_dates_are_texts(config) -> None:
    sites = read(config("2024-01-01: {data_dir: /a}\n7: {data_dir: /b}\nyes: {data_dir: /c}\n"))
    assert [s for s in sites if s in ("2024-01-01", "7")] == ["2024-01-01", "7"]


def test_the_example_config_is_valid() -> None:
    sites = read(Path(__file__).parents[2] / "etc" / "site.yml")
    assert all(s.data_dir for s in sites.values())


def test_the_old_name_of_data_dir_is_still_read(config) -> None:
    assert read(config("a: {raw_parquet: /old}\n"))["a"].data_dir == "/old"
    [site] = select(config("a: {raw_parquet: /old}\n"), (), None)
    assert site.data_dir == "/old"


def test_variables_stand_for_values_that_are_needed(config, monkeypatch) -> None:
    """Only for those of the selected sites: another site's variables need not be there."""
    monkeypatch.setenv("PASSWORD_OF_A", "p%40ss")
    monkeypatch.setenv("PLACE", "/mnt")
    path = config(
        """
        a: {site_name: "A in ${PLACE}", data_dir: "${PLACE}/a", output: "${PLACE}/out", db_uri: "mysql://u:${PASSWORD_OF_A}@h"}
        b: {data_dir: "${NOBODY}", db_uri: "mysql://u:${NOBODY}@h"}
        """
    )
    [site] = with_database(select(path, ("a",), None), None)
    assert (site.name, site.data_dir, site.output) == ("A in /mnt", "/mnt/a", "/mnt/out")
    assert site.db_uri.get_secret_value() == "mysql://u:p%40ss@h"
    assert "p%40ss" not in repr(site)
    with pytest.raises(UsageError, match="data_dir of b: the environment variable NOBODY is not set"):
        select(path, (), None)
    monkeypatch.setenv("NOBODY", "")
    with pytest.raises(UsageError, match="NOBODY is not set"):
        select(path, ("b",), None)
    [site] = select(path, ("b",), "/elsewhere")
    with pytest.raises(UsageError, match=r"db_uri of b in .*: the environment variable NOBODY is not set"):
        with_database([site], None)
    assert with_database([site], "mysql://x@y")[0].db_uri.get_secret_value() == "mysql://x@y"


def test_dollars_that_are_no_variables_stay(config) -> None:
    [site] = select(config("a: {data_dir: '/$HOME/$${x}/$$'}\n"), (), None)
    assert site.data_dir == "/$HOME/${x}/$$"


def test_places_of_outputs(config) -> None:
    """--output wins over the config's, which wins over the README's; without a config the folders are looked at."""
    path = config("a: {output: /mine/}\nb: {data_dir: /b}\n")
    assert [(p.key, p.output, p.data_dir) for p in places(path, (), None, None, list)] == [
        ("a", "/mine", None),
        ("b", "output/usage", "/b"),
    ]
    assert [p.output for p in places(path, ("a",), None, "/flag", list)] == ["/flag"]
    looked_at = []
    found = places(
        None, (), None, "/x", lambda place: looked_at.append(place) or ["one", "two", "not a key", ".hidden"]
    )
    assert ([p.key for p in found], looked_at) == (["one", "two"], ["/x"])
    with pytest.raises(UsageError, match="no site has outputs in /x; give --output, or --config with `output`"):
        places(None, (), None, "/x", lambda _: [])


def test_the_schema_takes_what_the_reader_takes() -> None:
    """Keys and types are the model's own; editors complete them."""
    schema = json.loads(config_check.schema())
    entry = schema["$defs"]["SiteEntry"]
    assert set(entry["properties"]) == set(SiteEntry.model_fields)
    assert entry["additionalProperties"] is False
    assert entry["properties"]["raw_parquet"]["deprecated"] is True
    assert all(p["description"] for p in entry["properties"].values())


def test_config_check_shows_each_site_without_its_password(config, capsys, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_OF_A", PASSWORD)
    path = config("a: {data_dir: /a, db_uri: 'mysql://reader:${SECRET_OF_A}@db:3307'}\nb: {data_dir: /b}\n")
    config_check.check_config(path, ())
    shown = capsys.readouterr().out
    assert "reader@db:3307" in shown
    assert PASSWORD not in shown


def test_config_check_names_every_mistake(config) -> None:
    path = config("a: {data_dir: '${NOPE}'}\nb: {data_dir: 'gs://x'}\nc: {data_dir: /c}\nd: {data_dir: /c}\n")
    with pytest.raises(UsageError) as raised:
        config_check.check_config(path, ())
    first, second = str(raised.value).splitlines()[:2]
    assert first.endswith("data_dir of a: the environment variable NOPE is not set")
    assert second.endswith("data_dir of b: gs:// is not supported; use a local path or s3://bucket/folder")
