"""CONTRIBUTING.md, "To add a table": an entry of the catalogue alone, and it is granted, copied and described."""

import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests import servers
from tests.cloud import make_cloud
from tests.commands import copy_checkout, dbt_build, run, succeeded
from tests.database import PASSWORD

ENTRY = """\
      - name: role
        description: One row per role; kept for later.
        config:
          meta:
            optional: true
            metrics: []
            never_copied: [secret]
            also_copied: [domain_id]
        columns:
          - {name: id, data_type: varchar, description: Primary key., config: {meta: {required: true}}}
          - {name: name, data_type: varchar, description: Name of the role.}
"""
MODEL = "  - name: stg_keystone__role\n    description: One row per row of `keystone.role`.\n"
COMMAND = "import sys; from loader.cli import main; sys.argv[0] = 'chameleon-usage'; main()"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one more table in its catalogue."""
    folder = copy_checkout(tmp_path_factory.mktemp("with a table") / "checkout")
    catalogue = folder / "models/staging/_keystone.yml"
    tables, _, models = catalogue.read_text("utf-8").partition("models:\n")
    catalogue.write_text(f"{tables}{ENTRY}models:\n{models}", "utf-8")
    return folder


def command(checkout: Path, *arguments: str, **env: str) -> str:
    """What a command of that checkout prints."""
    env |= {"PYTHONPATH": str(checkout)}
    return succeeded(run(Path(sys.executable).name, "-c", COMMAND, *arguments, cwd=checkout, env=env)).stdout


def test_a_table_is_granted_and_copied(checkout: Path, mariadb: servers.MariaDB, tmp_path: Path) -> None:
    cloud = make_cloud(mariadb, tmp_path / "data")
    cloud.sql(
        "CREATE DATABASE IF NOT EXISTS keystone",
        "CREATE TABLE keystone.role (id varchar(64) PRIMARY KEY, name text, domain_id text, secret text, later text)",
        "INSERT INTO keystone.role VALUES ('1', 'member', 'default', 'hidden', 'x'), ('2', 'reader', NULL, NULL, NULL)",
    )
    sql = command(checkout, "print-grant-sql", "--user", "reader")
    assert "GRANT SELECT (`id`, `name`, `domain_id`) ON `keystone`.`role` TO 'reader'@'%';" in sql
    cloud.server.run(sql, "--force")
    cloud.sql(f"ALTER USER 'reader'@'%' IDENTIFIED BY '{PASSWORD}' ACCOUNT UNLOCK")
    command(checkout, *cloud.flags(), DATABASE_URI=mariadb.uri("reader", PASSWORD))
    assert pq.read_table(cloud.file("keystone.role")).to_pylist() == [
        {"id": "1", "name": "member", "domain_id": "default"},
        {"id": "2", "name": "reader", "domain_id": None},
    ]


def test_it_is_described(checkout: Path) -> None:
    succeeded(run(Path(sys.executable).name, "-m", "tests.dictionary", cwd=checkout, env={"PYTHONPATH": str(checkout)}))
    page = (checkout / "docs/data-dictionary.md").read_text("utf-8")
    assert "| `role` | optional |  | One row per role; kept for later. |" in page


def test_a_model_of_one_line_reads_it(checkout: Path, data: Path, tmp_path: Path) -> None:
    """As the list says: the line, and its description. The site was extracted without the table, so it has no rows."""
    (checkout / "models/staging/stg_keystone__role.sql").write_text("{{ raw('keystone', 'role') }}\n", "utf-8")
    with (checkout / "models/staging/_keystone.yml").open("a", encoding="utf-8") as file:
        file.write(MODEL)
    built = succeeded(dbt_build(data, tmp_path / "out", project=checkout))
    assert "stg_keystone__role" in built.stdout
    assert (tmp_path / "out/here/usage.parquet").exists()
