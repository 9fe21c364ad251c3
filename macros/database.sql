{#
    By hand, the database is a file (profiles.yml), so that `dbt test`, or `dbt build` of a layer, finds what an earlier
    run built. It must be of the same vars: what was built of others is dropped, or it would be taken for theirs.
    `process` has one of its own.
#}
{% macro is_kept() %}{{ return(target.path != ':memory:') }}{% endmacro %}

{% macro vars_of_run() %}
    {%- set names = needed_vars() + ['has_blazar', 'resample', 'wide', 'default_cpu_allocation_ratio'] -%}
    {%- set said = [] -%}
    {%- for name in names %}{% do said.append(name ~ ': ' ~ setting(name)) %}{% endfor -%}
    {{ return(said | join(', ')) }}
{% endmacro %}

{% macro wrong_database() %}
    {%- set mine = vars_of_run() -%}
    {%- if not is_kept() -%}
        {%- set nothing = 'dbt test has nothing to test: CHAMELEON_USAGE_DATABASE is :memory:; use dbt build' -%}
        {{ return([nothing] if flags.WHICH == 'test' else []) }}
    {%- endif -%}
    {%- do run_query('create table if not exists run_vars (said varchar)') -%}
    {%- set found = run_query('select said from run_vars').columns[0].values() -%}
    {%- if mine in found %}{{ return([]) }}{% endif -%}
    {%- if flags.WHICH == 'test' -%}
        {%- set of = found[0] if found else 'nothing' -%}
        {{ return(['dbt test: ' ~ target.path ~ ' was built of ' ~ of ~ '; run dbt build with these --vars first']) }}
    {%- endif -%}
    {%- set tables = "information_schema.tables where table_schema = 'main'" -%}
    {%- for row in run_query('select table_type, table_name from ' ~ tables ~ ' order by 1 desc') -%}
        {%- do run_query('drop ' ~ ('view' if row[0] == 'VIEW' else 'table') ~ ' "' ~ row[1] ~ '"') -%}
    {%- endfor -%}
    {%- do run_query('create table run_vars as select ' ~ literal(mine) ~ ' as said') -%}
    {{ return([]) }}
{% endmacro %}

{% macro replaced(target_relation, kind) %}
    {%- set there = load_cached_relation(target_relation) if is_kept() else none -%}
    {%- if there is not none and there.type != kind -%}
        {%- do run_query('drop ' ~ there.type ~ ' if exists ' ~ there) -%}
    {%- endif -%}
{% endmacro %}
