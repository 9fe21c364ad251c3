"""Every mistake is one clear line and an exit code; it prints no secret and leaves earlier outputs as they were."""

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader import sample
from tests.commands import BIN, OUTPUTS, WINDOW, contents, metadata, process, rows, run, succeeded, usage
from tests.small_disk import small_disk

SECRET = "hunter2"  # noqa: S105
URI = f"mysql://reader:{SECRET}@127.0.0.1:1"  # nobody listens there
PROCESS = "--site here --data-dir {data} process --output {out} --start-date 2024-01-01 --end-date 2025-01-01"
EXTRACT = "--site here --data-dir {data} extract"
S3 = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
S3_PROCESS = PROCESS.replace("{data}", "s3://bucket/here")


@dataclass(frozen=True)
class Earlier:
    """Extracted tables, and the outputs of an earlier run: none of them may change."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def out(self) -> Path:
        return self.folder / "out"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    made = Earlier(tmp_path_factory.mktemp("earlier"))
    sample.write("edge", made.data)
    (made.data / "_manifest.json").write_text('{"format": 2, "tables": {}}')
    process(made.data, made.out)
    assert sorted(contents(made.out)) == [f"here/{name}" for name in OUTPUTS]
    return made


@dataclass(frozen=True)
class Mistake:
    """A command line (`{data}`, `{out}`, `{tmp}` are filled in), and what the line on stderr says."""

    command: str
    says: str
    exit_code: int = 2
    env: dict[str, str] = field(default_factory=dict)
    config: str | bytes | None = None  # in {tmp}/site.yml
    program: str = "chameleon-usage"


def config(
    text: str | bytes, says: str, command: str = "--config {tmp}/site.yml extract", exit_code: int = 2
) -> Mistake:
    return Mistake(command, says, exit_code, config=text)


def without(*flags: str) -> str:
    """The command of `process` less some of its flags."""
    command = PROCESS
    for flag in flags:
        command = re.sub(rf"{flag} \S+ ?", "", command)
    return command


def window(start: str, end: str, says: str) -> Mistake:
    start, end = f"--start-date {shlex.quote(start)}", f"--end-date {shlex.quote(end)}"
    return Mistake(f"{without('--start-date', '--end-date')} {start} {end}", says)


MISTAKES = {
    # flags
    "no command": Mistake("--site here", "Missing command"),
    "unknown command": Mistake("extrakt", "No such command 'extrakt'"),
    "jobs 0": Mistake(f"{PROCESS} --jobs 0", "Invalid value for '--jobs': 0 is not in the range x>=1"),
    "log for nobody": Mistake(f"{PROCESS} --log-format xml", "'xml' is not one of 'text', 'json'"),
    "completion for another shell": Mistake("completion fish", "'fish' is not one of 'bash', 'zsh'"),
    "explain without instant": Mistake(
        "explain --site here --output {out}", "explain needs --at T (a value) or --span"
    ),
    "explain outside the window": Mistake(
        "explain --site here --output {out} --at 2025-01-01", "--at 2025-01-01 00:00:00 is not in the window of {out}"
    ),
    "explain of outputs that are not there": Mistake(
        "explain --site there --output {out} --at 2024-06-01",
        "{out}/there/usage.parquet is not there: process there into --output {out} first",
        1,
    ),
    "check with an unknown kind": Mistake("check --output {out} --fail-on bad", "'bad' is not one of 'any', 'orphan'"),
    "check with hours that are none": Mistake("check --output {out} --min-hours x", "'x' is not a valid float"),
    "status of nothing": Mistake("status --output {tmp}/none", "no site has outputs in {tmp}/none; give --output"),
    "config check without config": Mistake("config check", "missing --config: the file to check"),
    "misspelt flag": Mistake(PROCESS.replace("--output", "--ouput"), "No such option '--ouput'"),
    "process without output": Mistake(without("--output"), "missing output for here: give --output"),
    "process without start": Mistake(without("--start-date"), "Missing option '--start-date'"),
    "process without end": Mistake(without("--end-date"), "Missing option '--end-date'"),
    "process without site": Mistake(without("--site"), "missing --site (or --config with the sites)"),
    "process without data": Mistake(without("--data-dir"), "missing data path for here: give --data-dir"),
    "extract without data": Mistake(f"extract --db-uri {URI}", "missing data path: give --data-dir"),
    "extract without database": Mistake(
        EXTRACT, "missing database for here: give --db-uri, $DATABASE_URI or db_uri in"
    ),
    "python -m loader without database": Mistake(
        "-m loader --data-dir {data}", "missing database for site: give --db-uri", program="python"
    ),
    "threads 0": Mistake(f"{PROCESS} --threads 0", "Invalid value for '--threads': 0 is not in the range x>=1"),
    "threads that are no number": Mistake(
        f"{PROCESS} --threads many", "Invalid value for '--threads': 'many' is not a"
    ),
    "memory that is no size": Mistake(
        f"{PROCESS} --memory-limit lots", "--memory-limit 'lots' is not a size; write 1GB"
    ),
    "memory without unit": Mistake(f"{PROCESS} --memory-limit 1000", "--memory-limit '1000' is not a size"),
    "user with backslash": Mistake("print-grant-sql --user a\\\\b", "--user may hold neither backslashes"),
    "user that is empty": Mistake("print-grant-sql --user ''", "--user is empty"),
    # sites
    "site with a slash": Mistake(PROCESS.replace("here", "../here"), "--site '../here' may only hold letters, digits"),
    "site with a quote": Mistake(PROCESS.replace("here", '"it\'s"'), '--site "it\'s" may only hold letters'),
    "site with a space": Mistake(PROCESS.replace("here", "'a b'"), "--site 'a b' may only hold letters"),
    "several sites without config": Mistake(f"--site there {EXTRACT}", "several --site need --config"),
    "unknown site": config(
        "chi_uc: {data_dir: /x}\n",
        "--site chi_us: unknown site; {tmp}/site.yml has chi_uc",
        "--config {tmp}/site.yml --site chi_us extract",
    ),
    "several sites, one folder": config(
        "a: {data_dir: /a}\nb: {data_dir: /b}\n",
        "--data-dir names one folder, but 2 sites are selected",
        "--config {tmp}/site.yml --data-dir {data} extract",
    ),
    "several sites, one database": config(
        "a: {data_dir: /a}\nb: {data_dir: /b}\n",
        "--db-uri names one database, but 2 sites are selected",
        f"--config {{tmp}}/site.yml extract --db-uri {URI}",
    ),
    # the config
    "config that is not there": Mistake("--config {tmp}/gone.yml extract", "{tmp}/gone.yml: No such file or directory"),
    "config that is a folder": Mistake("--config {tmp} extract", "{tmp}: Is a directory; --config must name"),
    "malformed config": config("a:\n  db_uri: [x\nb: {}\n", "{tmp}/site.yml: line 3: not valid YAML: "),
    "misspelt key": config(
        f"a:\n  data_dir: /x\n  db_url: {URI}\n",
        "{tmp}/site.yml: line 3: unknown key 'a.db_url'; did you mean 'db_uri'?",
    ),
    "two names of one key": config(
        "a: {data_dir: /x, raw_parquet: /y}\n",
        "{tmp}/site.yml: line 1: a: raw_parquet is the old name of data_dir, which is there, too; give data_dir alone",
    ),
    "variable that is not set": config(
        "a:\n  data_dir: /x\n  db_uri: mysql://u:${NOPE_PASSWORD}@h\n",
        "db_uri of a in {tmp}/site.yml: the environment variable NOPE_PASSWORD is not set",
    ),
    "variable without a name": config(
        "a: {data_dir: '${}/x'}\n", "{tmp}/site.yml: data_dir of a: ${{ needs a name and a brace: write ${{NAME}}"
    ),
    "config check of a URI": config(
        f"a: {{data_dir: /x, db_uri: 'postgres://u:{SECRET}@h'}}\n",
        "db_uri of a in {tmp}/site.yml has the scheme postgres://",
        "--config {tmp}/site.yml config check",
    ),
    "output in the config that is no place": config(
        "a: {data_dir: /x, output: 'ftp://x/y'}\n",
        "output of a: ftp:// is not supported",
        without("--output", "--data-dir").replace("--site here", "--config {tmp}/site.yml"),
    ),
    "empty config": config("", "{tmp}/site.yml: line 1: has no sites"),
    "config for process": config(
        "a:\n  data_dri: /x\n",
        "line 2: unknown key 'a.data_dri'; did you mean 'data_dir'?",
        without("--data-dir").replace("--site here", "--config {tmp}/site.yml"),
    ),
    "config without data_dir": config(
        f"a: {{db_uri: '{URI}'}}\n", "missing data path for a: give --data-dir or data_dir of"
    ),
    "config without db_uri": config("a: {data_dir: /x}\n", "missing database for a: give --db-uri"),
    "quoted db_uri": config(f"a: {{data_dir: /x, db_uri: '\"{URI}\"'}}\n", "db_uri of a in {tmp}/site.yml is quoted"),
    "empty db_uri": config("a: {data_dir: /x, db_uri: ''}\n", "db_uri"),
    "wrong scheme of data_dir": config(
        f"a: {{data_dir: 'gs://b/x', db_uri: '{URI}'}}\n",
        "data_dir of a: gs:// is not supported; use a local path or s3://",
    ),
    # dates
    "month 13": window("2024-13-01", "2025-01-01", "--start-date '2024-13-01' is not a date; write 2024-01-31 or"),
    "a word for a date": window("2024-01-01", "tomorrow", "--end-date 'tomorrow' is not a date; write 2024-01-31 or"),
    "an empty date": window("", "2025-01-01", "--start-date '' is not a date"),
    "year 0": window("0000-01-01", "2025-01-01", "--start-date '0000-01-01' is not a date"),
    "day 30 of February": window("2024-01-01", "2024-02-30", "--end-date '2024-02-30' is not a date"),
    "before the first year in UTC": window(
        "0001-01-01T00:00+05:00", "2025-01-01", "--start-date '0001-01-01T00:00+05:00'"
    ),
    "reversed dates": window("2025-01-01", "2024-01-01", "--start-date 2025-01-01 is not before --end-date 2024-01-01"),
    "equal dates": window("2024-01-01", "2024-01-01", "--start-date 2024-01-01 is not before --end-date 2024-01-01"),
    # places
    "s3 without bucket": Mistake(
        PROCESS.replace("{data}", "s3://"), "--data-dir: s3:// names no bucket; write s3://", env=S3
    ),
    "extract to s3 without bucket": Mistake(
        f"--data-dir s3:// extract --db-uri {URI}",
        "--data-dir: s3:// names no bucket; write s3://bucket/folder",
        env=S3,
    ),
    "s3 with a folder only": Mistake(
        PROCESS.replace("{data}", "s3:///x"), "--data-dir: s3:///x names no bucket", env=S3
    ),
    "output without bucket": Mistake(PROCESS.replace("{out}", "s3://"), "--output: s3:// names no bucket", env=S3),
    "unsupported data_dir": Mistake(
        PROCESS.replace("{data}", "https://h/x"), "--data-dir: https:// is not supported; use"
    ),
    "unsupported output": Mistake(
        PROCESS.replace("{out}", "gs://b/x"), "--output: gs:// is not supported; use a local"
    ),
    "template for a path": Mistake(
        PROCESS.replace("{data}", "'{tmp}/{{{{ 1 }}}}'"), "--data-dir: a path may not hold {{{{, {{% or {{#"
    ),
    "quoted endpoint": Mistake(
        S3_PROCESS,
        "AWS_ENDPOINT_URL is quoted: Docker's --env-file keeps quotes",
        env={**S3, "AWS_ENDPOINT_URL": '"https://127.0.0.1:1"'},
    ),
    "endpoint without scheme": Mistake(
        S3_PROCESS,
        "AWS_ENDPOINT_URL must look like https://host:port",
        env={**S3, "AWS_ENDPOINT_URL": f"k:{SECRET}@host:9"},
    ),
    "endpoint that is no DNS name": Mistake(
        S3_PROCESS,
        "AWS_ENDPOINT_URL: my_store.local has a part that is no DNS label",
        env={**S3, "AWS_ENDPOINT_URL": "https://my_store.local:9000"},
    ),
    # database URIs
    "no URI": Mistake(
        f"{EXTRACT} --db-uri reader:{SECRET}", "--db-uri is no URI; write mysql://user:password@host:3306"
    ),
    "wrong scheme": Mistake(
        f"{EXTRACT} --db-uri postgresql://reader:{SECRET}@h", "--db-uri has the scheme postgresql://; write mysql://"
    ),
    "slash in the password": Mistake(
        f"{EXTRACT} --db-uri mysql://reader:{SECRET}/x@h:3306", "--db-uri can't be read after the host; write mysql://"
    ),
    "hash in the password": Mistake(
        f"{EXTRACT} --db-uri 'mysql://reader:{SECRET}#x@h'", "--db-uri can't be read after"
    ),
    "question mark in the password": Mistake(
        f"{EXTRACT} --db-uri 'mysql://reader:1?{SECRET}=1@h'", "password as %2F %3F"
    ),
    "URI without host": Mistake(
        f"{EXTRACT} --db-uri mysql://reader:{SECRET}@", "--db-uri names no host; write mysql://"
    ),
    "URI without user": Mistake(f"{EXTRACT} --db-uri mysql://h:3306", "--db-uri names no user; write mysql://"),
    "quoted variable": Mistake(
        EXTRACT, "$DATABASE_URI is quoted: Docker's --env-file", env={"DATABASE_URI": f"'{URI}'"}
    ),
    "wrong variable": Mistake(
        EXTRACT, "$DATABASE_URI has the scheme http://", env={"DATABASE_URI": f"http://u:{SECRET}@h"}
    ),
    # servers
    "nobody listens": Mistake(
        f"{EXTRACT} --db-uri {URI}",
        "cannot connect to the database as reader@127.0.0.1:1: Can't connect to MySQL server",
        1,
    ),
    "unknown host": Mistake(
        f"{EXTRACT} --db-uri mysql://reader:{SECRET}@host.invalid",
        "cannot connect to the database as reader@host.invalid:3306: Can't connect to MySQL server on 'host.invalid'",
        1,
    ),
    "no socket": Mistake(
        f"{EXTRACT} --db-uri 'mysql://reader:{SECRET}@/?unix_socket={{tmp}}/none.sock'",
        "cannot connect to the database as reader@{tmp}/none.sock: ",
        1,
    ),
    "no certificate": Mistake(
        f"{EXTRACT} --db-uri 'mysql://reader:{SECRET}@127.0.0.1:1?ssl_ca={{tmp}}/none.pem'",
        "cannot connect to the data",
        1,
    ),
    # what only shows when dbt runs: some seconds each
    "no S3": Mistake(
        S3_PROCESS, "cannot read s3://bucket/here: ", 1, env={**S3, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ),
    "no data": Mistake(PROCESS.replace("{data}", "{tmp}/gone"), "no extracted table in data_dir {tmp}/gone (", 1),
    "output is a file": Mistake(
        PROCESS.replace("{out}", "{tmp}/file"), "cannot write to {tmp}/file/here: Not a directory", 1
    ),
    "too little memory": Mistake(f"{PROCESS} --memory-limit 1MB", "(raise --memory-limit, or free disk space", 1),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(case: str, earlier: Earlier, tmp_path: Path) -> None:
    mistake = MISTAKES[case]
    (tmp_path / "file").write_text("a file")
    if mistake.config is not None:
        text = mistake.config
        (tmp_path / "site.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = contents(earlier.folder), contents(tmp_path)
    places = {"data": earlier.data, "out": earlier.out, "tmp": tmp_path}
    words = [word.format_map(places) for word in shlex.split(mistake.command)]
    temp = tmp_path / "temp"
    temp.mkdir()
    result = run(mistake.program, *words, env={"TMPDIR": str(temp), **mistake.env})
    assert_refused(result, mistake.says.format_map(places), mistake.exit_code)
    assert (contents(earlier.folder), contents(tmp_path)) == before
    assert list(temp.iterdir()) == []


def assert_refused(result: subprocess.CompletedProcess[str], says: str, exit_code: int) -> None:
    """The command ended with this code and said so in one line; click shows its usage before it."""
    shown = f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert result.returncode == exit_code, shown
    lines = [line for line in result.stderr.splitlines() if line and not re.match("Usage: |Try '", line)]
    assert len(lines) == 1, shown
    assert lines[0].startswith("Error: "), shown
    assert says in lines[0], shown
    assert result.stdout == "", shown
    assert SECRET not in shown
    assert "Traceback" not in shown


# --- extracted files that are damaged: one call over all of them, a site each ---

TABLE, OTHER = "nova.instances.parquet", "blazar.leases.parquet"


def replace(file: Path, column: str, values: list) -> None:
    table = pq.read_table(file)
    index = table.column_names.index(column)
    pq.write_table(table.set_column(index, column, pa.array(values * len(table))), file)


def drop(file: Path, *columns: str) -> None:
    pq.write_table(pq.read_table(file).drop_columns(list(columns)), file)


def damage(folder: Path, kind: str) -> None:
    """Do to a folder of good files what `kind` says."""
    file, other = folder / TABLE, folder / OTHER
    if kind == "folder":
        file.unlink()
        file.mkdir()
    elif kind == "text":
        file.write_text("uuid,node\n" * 1000)
    elif kind == "truncated":
        file.write_bytes(file.read_bytes()[:-300])
    elif kind == "overwritten":
        content = file.read_bytes()
        file.write_bytes(content[:500] + bytes(2000) + content[2500:])
    elif kind == "zero_bytes":
        file.write_bytes(b"")
    elif kind == "no_rows_no_columns":
        pq.write_table(pa.table({"other": pa.array([], pa.int64())}), file)
    elif kind == "column_missing":
        drop(file, "uuid")
    elif kind == "columns_missing":
        drop(file, "uuid", "created_at")
        drop(other, "start_date")
    elif kind == "no_date":
        replace(file, "created_at", ["yesterday"])
    elif kind == "no_number":
        replace(file, "vcpus", ["many"])
    elif kind == "list":
        replace(file, "vcpus", [[1, 2]])
    elif kind == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif kind == "foreign":
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "notes.txt").write_text("nothing of ours")
        (folder / "other.table.parquet").write_bytes(b"nor this")
    elif kind == "a_file":
        shutil.rmtree(folder)
        folder.write_text("not a folder")
    elif kind == "gone":
        shutil.rmtree(folder)


NOTHING = "no extracted table in data_dir {folder} (<schema>.<table>.parquet); run extract first"
DAMAGED = {
    "folder": (TABLE,),
    "text": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "truncated": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "overwritten": (TABLE.removesuffix(".parquet"), "truncated or not parquet; extract the table again"),
    "zero_bytes": (f"{{folder}}/{TABLE}", "truncated or not parquet; extract the table again"),
    "no_rows_no_columns": (TABLE, "uuid, created_at", "extract the table again"),
    "column_missing": (f"{TABLE} in {{folder}} lacks the required column(s) uuid; extract the table again",),
    "columns_missing": (
        f"{TABLE} in {{folder}} lacks the required column(s) uuid, created_at; extract",
        f"{OTHER} in {{folder}} lacks the required column(s) start_date; extract the table again",
    ),
    "no_date": (TABLE.removesuffix(".parquet"), "created_at"),
    "no_number": (TABLE.removesuffix(".parquet"), "vcpus"),
    "list": (TABLE.removesuffix(".parquet"), "vcpus"),
    "empty": (NOTHING,),
    "foreign": (NOTHING,),
    "a_file": ("{folder}",),
    "gone": (NOTHING,),
}


@dataclass(frozen=True)
class Damaged:
    """The one call, and every site's earlier output before and after it."""

    result: subprocess.CompletedProcess[str]
    data: Path
    before: dict[str, bytes]
    after: dict[str, bytes]

    def lines(self, kind: str) -> list[str]:
        return [line for line in self.result.stderr.splitlines() if line.startswith(f"Error: {kind}: ")]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    folder = tmp_path_factory.mktemp("damaged")
    data, out = folder / "data", folder / "out"
    sample.write("kvm", data / "fine")
    for kind in DAMAGED:
        shutil.copytree(data / "fine", data / kind)
        damage(data / kind, kind)
        (out / kind).mkdir(parents=True)
        for name in ("usage", "spans"):
            (out / kind / f"{name}.parquet").write_bytes(b"of an earlier run")
    sites = folder / "site.yml"
    sites.write_text("".join(f"{kind}: {{data_dir: {data}/{kind}}}\n" for kind in (*DAMAGED, "fine")))
    before = contents(out)
    flags = ["--output", out, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = usage("--config", sites, "process", *flags)
    return Damaged(result, data, before, contents(out))


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_input_is_named_in_one_line_and_publishes_nothing(kind: str, damaged: Damaged) -> None:
    [line] = damaged.lines(kind) or [f"no line about {kind}:\n{damaged.result.stderr}"]
    assert [says for says in DAMAGED[kind] if says.format(folder=damaged.data / kind) not in line] == [], line
    assert {n for n in damaged.before if n.startswith(f"{kind}/")} == {
        n for n in damaged.after if n.startswith(f"{kind}/")
    }
    assert all(damaged.after[n] == c for n, c in damaged.before.items() if n.startswith(f"{kind}/"))


def test_damaged_sites_do_not_stop_the_others(damaged: Damaged) -> None:
    assert damaged.result.returncode == 1
    assert "Traceback" not in damaged.result.stderr
    assert {"fine/usage.parquet", "fine/spans.parquet"} <= damaged.after.keys()
    *each, last = damaged.result.stderr.splitlines()
    assert all(line.startswith("Error: ") for line in each)
    assert last.startswith(
        f"Error: {len(DAMAGED)} of {len(DAMAGED) + 1} sites not processed, their files are as before"
    )
    assert set(last.partition("as before: ")[2].split(", ")) == set(DAMAGED)


def test_the_one_site_of_a_call_fails_with_its_own_line(earlier: Earlier, tmp_path: Path) -> None:
    shutil.copytree(earlier.data, tmp_path / "data")
    (tmp_path / "data/zun.container.parquet").write_text("no parquet")
    before = contents(earlier.out)
    flags = ["--output", earlier.out, "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = usage("--site", "here", "--data-dir", tmp_path / "data", "process", *flags)
    assert_refused(result, f"{tmp_path}/data/zun.container.parquet", 1)
    assert contents(earlier.out) == before


@pytest.mark.parametrize(("flag", "variable", "asked"), [(1, 2, 1), (None, 2, 2), (None, None, 3), (1, None, 1)])
def test_the_database_that_is_asked(flag: int | None, variable: int | None, asked: int, tmp_path: Path) -> None:
    """--db-uri, then $DATABASE_URI, then the config: the error names the port that nobody listened on."""
    uris = {port: f"mysql://reader:{SECRET}@127.0.0.1:{port}" for port in (1, 2, 3)}
    (tmp_path / "site.yml").write_text(f"here: {{data_dir: {tmp_path}/data, db_uri: '{uris[3]}'}}\n")
    flags = ["--db-uri", uris[flag]] if flag else []
    env = {"DATABASE_URI": uris[variable]} if variable else {}
    ran = usage("--config", tmp_path / "site.yml", "--site", "here", "extract", *flags, env=env)
    assert_refused(ran, f"cannot connect to the database as reader@127.0.0.1:{asked}: ", 1)


# --- what looks like a mistake and is none ---


@pytest.mark.parametrize(
    "name",
    [
        'it\'s a "folder" with ünï©ode 🦎',
        "[1] {x} }} %20 #4 ; -- $HOME * ?",
        "created_at=2024-05-01",  # DuckDB would take it for a column
    ],
)
def test_a_folder_may_have_any_name(name: str, earlier: Earlier, tmp_path: Path) -> None:
    shutil.copytree(earlier.data, tmp_path / name / "data")
    process(tmp_path / name / "data", tmp_path / name / "out")
    for file in ("usage", "spans"):
        assert rows(tmp_path / name / f"out/here/{file}.parquet") == rows(earlier.out / f"here/{file}.parquet")


@pytest.mark.parametrize("by", ["flag", "config"])
def test_slashes_at_the_end_of_a_folder_make_no_difference(by: str, earlier: Earlier, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(f"here: {{data_dir: {earlier.data}//}}\n")
    place = (
        ["--site", "here", "--data-dir", f"{earlier.data}/"] if by == "flag" else ["--config", tmp_path / "site.yml"]
    )
    flags = ["--output", f"{tmp_path}/out/", "--start-date", WINDOW[0], "--end-date", WINDOW[1]]
    result = succeeded(usage(*place, "process", *flags))
    assert f"wrote {tmp_path}/out/here/usage.parquet\n" in result.stdout


def test_dates_may_have_a_time_and_a_zone(earlier: Earlier, tmp_path: Path) -> None:
    process(earlier.data, tmp_path, window=("2024-01-01T02:30+02:00", "2024-02-01T00:00:00Z"))
    facts = metadata(tmp_path / "here/usage.parquet")
    assert (facts["start_date"][:19], facts["end_date"][:19]) == ("2024-01-01T00:30:00", "2024-02-01T00:00:00")


# --- a disk that is full: a small file system of memory, seen by one process alone ---


@pytest.mark.parametrize("pages_left", [0, 1, 6])
def test_a_full_disk_is_one_line_and_leaves_the_earlier_outputs(
    pages_left: int, earlier: Earlier, tmp_path: Path
) -> None:
    """The earlier outputs fit, new ones beside them don't; with more room they do."""
    disk = small_disk(tmp_path)
    disk.before = earlier.out
    pages = pages_left + 1 + sum(-(-len(content) // 4096) for content in contents(earlier.out).values())  # 1: the root
    words = PROCESS.format(data=earlier.data, out=disk.folder).split()
    ran = disk.run([BIN / "chameleon-usage", *words], {}, size=4096 * pages)
    assert_refused(ran, f"cannot write {disk.folder}/here/", 1)
    assert "No space left on device" in ran.stderr
    assert contents(disk.left) == contents(earlier.out)
    assert sorted(contents(disk.roomy)) == sorted(contents(earlier.out))
