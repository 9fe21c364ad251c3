"""Which sites are worked on: priorities of flags, environment and config, and mistakes that name file and line."""

import json
import os
import re
from pathlib import Path

import pytest

from loader import config_check
from loader.config import Site, SiteEntry, places, read, select, with_database
from loader.errors import UsageError

PASSWORD = "hunter2-s3cret"  # noqa: S105
URI = f"mysql://user:{PASSWORD}@db.example:3306"
TWO_SITES = f"""\
chi_uc:
  site_name: "CHI@UC"
  db_uri: "{URI}"
  data_dir: "s3://bucket/chi_uc"
chi_tacc:
  data_dir: /data/chi_tacc/
"""


@pytest.fixture
def config(tmp_path: Path):
    """Write a config file."""

    def write(text: str | bytes = TWO_SITES) -> Path:
        path = tmp_path / "site.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def secret(site: Site) -> str | None:
    return site.db_uri and site.db_uri.get_secret_value()


def test_a_site_of_the_config_has_its_name_and_places(config) -> None:
    [site] = select(config(), ("chi_uc",), None)
    assert (site.key, site.name, site.data_dir) == ("chi_uc", "CHI@UC", "s3://bucket/chi_uc")
    assert secret(site) == URI


def test_without_a_site_all_are_selected_in_the_order_of_the_file(config) -> None:
    assert [s.key for s in select(config(), (), None)] == ["chi_uc", "chi_tacc"]


def test_sites_are_selected_in_the_order_of_the_flags_and_once(config) -> None:
    assert [s.key for s in select(config(), ("chi_tacc", "chi_uc", "chi_tacc"), None)] == ["chi_tacc", "chi_uc"]


def test_a_site_without_a_name_is_named_by_its_key(config) -> None:
    [site] = select(config(), ("chi_tacc",), None)
    assert (site.name, site.data_dir) == ("chi_tacc", "/data/chi_tacc")


def test_data_dir_of_the_flag_wins_over_the_config(config) -> None:
    assert [s.data_dir for s in select(config(), ("chi_uc",), "/elsewhere/")] == ["/elsewhere"]


def test_without_a_config_the_flags_make_one_site() -> None:
    assert select(None, ("here",), "/data") == [Site("here", "here", "/data", None, "db_uri of here in None")]
    assert [s.key for s in select(None, (), "/data", default_key="site")] == ["site"]


@pytest.mark.parametrize("place", ["/", "///"])
def test_the_root_folder_stays_the_root_folder(place: str) -> None:
    assert [s.data_dir for s in select(None, ("here",), place)] == ["/"]


def test_a_bucket_without_a_name_stays_one() -> None:
    """Less its slashes it would be a local folder named s3:."""
    assert [s.data_dir for s in select(None, ("here",), "s3://")] == ["s3://"]


def test_db_uri_of_the_flag_wins_over_the_environment_over_the_config(config, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = select(config(), ("chi_uc",), None)
    assert [secret(s) for s in with_database(sites, None)] == [URI]
    monkeypatch.setenv("DATABASE_URI", "mysql://from@environment")
    [site] = with_database(sites, None)
    assert (secret(site), site.db_uri_from) == ("mysql://from@environment", "$DATABASE_URI")
    [site] = with_database(sites, "mysql://from@flag")
    assert (secret(site), site.db_uri_from) == ("mysql://from@flag", "--db-uri")
    assert (site.key, site.name, site.data_dir) == ("chi_uc", "CHI@UC", "s3://bucket/chi_uc")


def test_an_empty_variable_is_none(config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URI", "")
    [site] = with_database(select(config(), ("chi_uc",), None), None)
    assert secret(site) == URI
    assert site.db_uri_from.startswith("db_uri of chi_uc in ")


def test_no_secret_is_in_a_repr(config) -> None:
    assert PASSWORD not in repr(read(config()))
    sites = with_database(select(config(), ("chi_uc",), None), None)
    assert secret(sites[0]) == URI
    assert PASSWORD not in repr(sites) + str(sites[0])


WRONG_SELECTION = {
    "unknown site": (("chi_tack",), None, "--site chi_tack: unknown site; .*site.yml has chi_uc, chi_tacc"),
    "site with a slash": (("../up",), None, "--site '../up' may only hold letters, digits, _ . and -"),
    "hidden site": ((".",), None, "--site '.' may only hold"),
    "several sites, one data_dir": ((), "/data", "--data-dir names one folder, but 2 sites are selected; choose one"),
}


@pytest.mark.parametrize("case", WRONG_SELECTION)
def test_a_wrong_selection_says_what_to_do(case: str, config) -> None:
    keys, data_dir, says = WRONG_SELECTION[case]
    with pytest.raises(UsageError, match=says):
        select(config(), keys, data_dir)


@pytest.mark.parametrize(
    ("keys", "data_dir", "says"),
    [
        (("a", "b"), "/data", "several --site need --config"),
        ((), "/data", r"missing --site \(or --config"),
        (("a",), None, r"missing data path for a: give --data-dir \(or --config with a data_dir\)"),
        (("a",), "", "missing data path for a: give --data-dir"),
    ],
)
def test_without_a_config_the_flags_must_say_everything(keys, data_dir, says) -> None:
    with pytest.raises(UsageError, match=says):
        select(None, keys, data_dir)


def test_a_missing_data_dir_names_the_site_and_the_file(config) -> None:
    with pytest.raises(UsageError, match=r"missing data path for b: give --data-dir or data_dir of b in .*site\.yml"):
        select(config("a: {data_dir: /a}\nb: {site_name: B}\n"), (), None)


def test_a_missing_database_names_the_site(config) -> None:
    sites = select(config(), (), None)
    with pytest.raises(UsageError, match=r"missing database for chi_tacc: give --db-uri, \$DATABASE_URI or db_uri in"):
        with_database(sites, None)


@pytest.mark.parametrize("by", ["--db-uri", "$DATABASE_URI"])
def test_several_sites_are_not_read_from_one_database(by: str, config, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = select(config(), (), None)
    if by != "--db-uri":
        monkeypatch.setenv("DATABASE_URI", URI)
    with pytest.raises(UsageError, match=re.escape(f"{by} names one database, but 2 sites are selected")) as raised:
        with_database(sites, URI if by == "--db-uri" else None)
    assert PASSWORD not in str(raised.value)


WRONG_FILES = {
    "misspelt key": ("a:\n  data_dri: /x\n", "line 2: unknown key 'a.data_dri'; did you mean 'data_dir'?"),
    "unknown key": (
        "a:\n  data_dir: x\n  colour: red\n",
        "line 3: unknown key 'a.colour'; known are site_name, db_uri",
    ),
    "site twice": ("a: {data_dir: /x}\nb: {data_dir: /y}\na: {data_dir: /z}\n", "line 3: 'a' is there twice (first in"),
    "key twice": (
        "a:\n  data_dir: /x\n  db_uri: u\n  data_dir: /y\n",
        "line 4: 'data_dir' is there twice (first in line 2",
    ),
    "site that is a text": ("a: {data_dir: /x}\nb: text\n", "line 2: 'b' needs its settings indented below it"),
    "unclosed bracket": ("a: {data_dir: /x\nb: {data_dir: /y}\n", "line 2: not valid YAML"),
    "tab": ("a:\n\tdata_dir: /x\n", "line 2: not valid YAML: found character '\\t'"),
    "bad indent": ("a:\n  data_dir: /x\n   db_uri: y\n", "line 3: not valid YAML"),
    "two documents": ("a: {data_dir: /x}\n---\nb: {data_dir: /y}\n", "line 2: not valid YAML"),
    "control character": ("a: \x00\n", "not valid YAML"),
    "list": ("- a\n- b\n", "line 1: has no sites; it needs a mapping like"),
    "empty": ("# nothing yet\n", "line 1: has no sites"),
    "no mapping": ("{}\n", "line 1: has no sites"),
    "key with a slash": ("ok: {data_dir: /x}\nchi/uc: {data_dir: /x}\n", "line 2: site key 'chi/uc' may only hold"),
    "key that goes up": ("..: {data_dir: /x}\n", "line 1: site key '..' may only hold"),
    "not UTF-8": (b"a: {site_name: \xe9}\n", "is not UTF-8 text"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_is_named_with_the_line(case: str, config) -> None:
    text, says = WRONG_FILES[case]
    path = config(text)
    with pytest.raises(UsageError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: {says}")
    assert raised.value.exit_code == 2


def test_all_mistakes_of_a_file_are_told_at_once(config) -> None:
    path = config("a:\n  data_dri: /x\nb:\n  site_nmae: y\n")
    with pytest.raises(UsageError) as raised:
        read(path)
    assert str(raised.value).splitlines() == [
        f"{path}: line 2: unknown key 'a.data_dri'; did you mean 'data_dir'?",
        f"{path}: line 4: unknown key 'b.site_nmae'; did you mean 'site_name'?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"a:\n  db_url: {URI}\n",
        f"a:\n  db_uri: [{URI}]\n",
        f"a: {URI}\n",
        f"a:\n  db_uri: {{uri: {URI}}}\n",
        f"a:\n  db_uri: {URI}\n  db_uri: {URI}\n",
        f"a:\n  db_uri: '{URI}\n",
        f"a:\n  db_uri: {URI}\n   data_dir: x\n",
        f"a:\n\tdb_uri: {URI}\n",
        f"- {URI}\n",
        f"db_uri: {URI}\ndata_dir: /x\n",
        f"{URI}\n",
    ],
)
def test_no_mistake_of_a_file_prints_a_secret(text: str, config) -> None:
    with pytest.raises(UsageError) as raised:
        read(config(text))
    assert PASSWORD not in str(raised.value)
    cause = raised.value.__context__
    assert cause is None or raised.value.__suppress_context__, "a traceback would show the values"


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
