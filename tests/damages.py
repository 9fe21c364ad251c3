"""Damages of sound models, each of which one of the data tests of every build (tests/generic/) must find."""
# ruff: noqa: E501 (SQL)

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compiled import FOLDER, Built, Project

MOMENT = "interval 1 microsecond"
OVERLAP = "no_overlap_spans_total_hypervisor_hostname"
SOUND = "sound_spans_all_spans_"
INSIDE = "inside_parent_spans_reservable_hypervisor_hostname__ref_spans_total_"
AUDITED = "every_reservable_row_audited"
DEVICES = "at_most_devices_spans_occupied_ref_spans_committed_"
STAYS = "covers_all_time_instance_stays_uuid"
HOURS = "hours_of_spans_hours_ref_all_spans_"
BUCKETS = "hours_of_buckets_usage_resampled_ref_hours_"
PROJECT_BUCKETS = "hours_of_buckets_usage_by_project_resampled_ref_hours_"
PROJECTS = "adds_up_timeline_by_project_ref_timeline_"
STACK = "conserves_timeline__"
LEVELS = "running_levels_timeline_collector_type__metric"
PROJECT_LEVELS = "running_levels_timeline_by_project_collector_type__metric__project_id"
SORTED = "sorted_file_usage_collector_type__metric__resource__timestamp"
TYPES = "column_types_usage_"
A_SPAN = "(select min(source_id) from all_spans where metric = 'reservable' and action = 'clipped') and metric = 'reservable'"
AN_OPEN_ROW = (
    "(select min(source_id) from spans_total where is_valid and end_at is null and hypervisor_hostname is not null)"
)
A_ROW = "(select min(source_id) from spans_total where is_valid and end_at is not null)"

# Name of the test or its start, and a statement that damages a model.
DAMAGES = [
    ("unique_row_tracked_collector_type__metric", "insert into tracked from tracked limit 1"),
    (AUDITED, "delete from spans_reservable where source_table = 'blazar.devices'"),
    (AUDITED, "insert into spans_reservable by name select 'blazar.devices' as source_table, 'nobody' as source_id"),
    (AUDITED, "update stg_blazar__devices set reservable = 1"),
    # an open span, then one of the same host that starts within
    (OVERLAP, f"insert into spans_total by name select * replace (end_at - {MOMENT} as start_at, null as end_at) from spans_total where source_id = {A_ROW}"),
    (OVERLAP, f"insert into spans_total by name select * replace (start_at + {MOMENT} as start_at) from spans_total where source_id = {A_ROW}"),
    (OVERLAP, f"insert into spans_total by name select * replace (start_at + {MOMENT} as start_at) from spans_total where source_id = {AN_OPEN_ROW}"),
    (SOUND, f"update all_spans set end_at = start_at where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set start_at = null where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set original_start_at = start_at + {MOMENT} where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set original_end_at = original_start_at where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set action = 'none' where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set start_at = original_start_at, end_at = original_end_at where source_id = {A_SPAN}"),
    (SOUND, f"update all_spans set is_valid = false where source_id = {A_SPAN}"),
    (SOUND, "update all_spans set end_at = '2024-01-01' where not is_valid"),
    (INSIDE, "update spans_reservable set hypervisor_hostname = 'nobody'"),
    (INSIDE, f"update spans_total set start_at = start_at + {MOMENT}"),
    (INSIDE, f"update spans_total set end_at = coalesce(end_at, '2030-01-01') - {MOMENT}"),
    (INSIDE, "update spans_total set is_valid = false"),
    (DEVICES, "delete from spans_committed where source_table = 'blazar.device_allocations'"),
    (DEVICES, "insert into spans_occupied from spans_occupied where source_table = 'zun.container'"),
    (DEVICES, f"update spans_occupied set end_at = end_at + {MOMENT} where source_table = 'zun.container'"),
    (DEVICES, f"update spans_occupied set start_at = start_at - {MOMENT} where source_table = 'zun.container'"),
    (DEVICES, "update spans_committed set hypervisor_hostname = 'one' where source_table = 'blazar.device_allocations'"),
    (STAYS, f"update instance_stays set from_at = from_at + {MOMENT} where from_at > '-infinity'"),
    (STAYS, f"update instance_stays set till_at = till_at + {MOMENT} where till_at < 'infinity'"),
    (STAYS, "update instance_stays set from_at = '2000-01-01' where from_at = '-infinity'"),
    (STAYS, "update instance_stays set till_at = '2100-01-01' where till_at = 'infinity'"),
    (HOURS, "update hours set hours = hours + 1e-5 where collector_type = 'current' and metric = 'total'"),
    (HOURS, "update hours set hours = 0 where collector_type = 'current' and metric = 'occupied_ondemand' and resource = 'vcpus'"),
    (HOURS, "update all_spans set is_valid = false where metric = 'committed'"),
    (BUCKETS, "update hours set hours = hours + 1e-5"),
    (BUCKETS, "delete from usage_resampled where metric = 'idle' and resource = 'nodes'"),
    (BUCKETS, "delete from hours where metric = 'idle' and resource = 'nodes'"),
    (PROJECT_BUCKETS, "update usage_by_project_resampled set hours = hours + 1e-5"),
    (PROJECT_BUCKETS, "delete from usage_by_project_resampled where metric = 'committed' and hours > 0"),
    (PROJECTS, "update timeline_by_project set d_nodes = d_nodes + 1e-6"),
    (PROJECTS, "update timeline_by_project set d_disk_gb = d_disk_gb + 1"),
    (PROJECTS, "delete from timeline_by_project where metric = 'occupied_ondemand'"),
    (STACK, "update timeline set d_nodes = d_nodes + 1e-6 where metric = 'total'"),
    (STACK, "update timeline set d_memory_mb = d_memory_mb + 1 where metric = 'idle' and collector_type = 'legacy'"),
    (STACK, "delete from timeline where metric = 'available_ondemand' and d_vcpus <> 0"),
    (LEVELS, "insert into timeline from timeline where d_nodes = 0 limit 1"),
    (LEVELS, "update timeline set nodes = nodes + 1e-6 where rowid = 3"),
    (LEVELS, "update timeline set disk_gb = disk_gb + 1 where metric = 'idle'"),
    (LEVELS, "update timeline set d_vcpus = d_vcpus + 1 where rowid = 0"),
    (PROJECT_LEVELS, "update timeline_by_project set nodes = nodes + 1e-6 where project_id = (select max(project_id) from timeline_by_project)"),
    (SORTED, "create or replace table usage as from usage order by timestamp"),
    (SORTED, "create or replace table usage as from (from usage union all from usage) order by collector_type, metric, resource, timestamp"),
    (TYPES, "alter table usage alter value type float"),
    (TYPES, "alter table usage rename value to values"),
    (TYPES, "alter table usage drop value"),
    (TYPES, "alter table usage add column more integer"),
]  # fmt: skip


@dataclass(frozen=True)
class Sound:
    """A random site's models and the SQL of their data tests."""

    built: Built
    tests: dict[str, str]

    def test(self, name: str) -> str:
        """Its SQL: dbt's names are long, so the start of one is enough."""
        if name in self.tests:
            return self.tests[name]
        (sql,) = (sql for test, sql in self.tests.items() if test.startswith(name))
        return sql

    def found(self, sql: str) -> int:
        """How many rows a test finds; what it reads of a file is written for it."""
        if file := re.search(r"read_parquet\('(.*?/([a-z_]+)\.parquet)'", sql):
            Path(file[1]).parent.mkdir(parents=True, exist_ok=True)
            self.built.connection.execute(f"copy {file[2]} to '{file[1]}' (format parquet)")
        return self.built.connection.execute(f"select count(*) from ({sql})").fetchone()[0]

    def wrong(self) -> dict[str, int]:
        """What the tests find although nothing is damaged."""
        return {name: found for name, sql in self.tests.items() if (found := self.found(sql))}

    def finds(self, name: str, damage: str) -> bool:
        """Whether the test finds the damage, which is taken back."""
        self.built.connection.begin()
        try:
            self.built.connection.execute(damage)
            return self.found(self.test(name)) > 0
        finally:
            self.built.connection.rollback()


def sound_site(project: Project, folder: Path, **variables: Any) -> Sound:
    """The models of a folder's tables, and their data tests."""
    tests = project.data_tests(folder, **variables)
    return Sound(
        project.plan(folder, **variables).run(folder), {n: t.replace(FOLDER, str(folder)) for n, t in tests.items()}
    )
