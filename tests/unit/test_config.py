"""Which sites are worked on: priorities of flags, environment and config, and mistakes that name file and line."""

import re

import pytest

from loader.config import Site, read, select, with_database
from loader.errors import UsageError
from tests.two_sites import PASSWORD, URI


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
