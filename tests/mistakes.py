"""Commands of a user who made a mistake, and what the one line about it says."""

import re
import shlex
from dataclasses import dataclass, field

SECRET = "hunter2"  # noqa: S105
URI = f"mysql://reader:{SECRET}@127.0.0.1:1"  # nobody listens there
PROCESS = "--site here --data-dir {data} process --output {out} --start-date 2024-01-01 --end-date 2025-01-01"
EXTRACT = "--site here --data-dir {data} extract"
S3 = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
S3_PROCESS = PROCESS.replace("{data}", "s3://bucket/here")


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
