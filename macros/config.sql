{#
    The vars of a run. They are read while it runs, never while the project is parsed: a var in a source's YAML, in
    `enabled=` or in `location=` would make the parsed project belong to one site (tests/integration/test_dbt.py
    compares the nodes).
#}

{% macro setting(name) %}
    {%- set is_unit_test = model is defined and model.resource_type == 'unit_test' -%}
    {%- set is_given = is_unit_test or name in invocation_args_dict.vars -%}
    {%- set text = none if is_given else env_var('CHAMELEON_USAGE_' ~ name | upper, '') -%}
    {{ return(fromjson(text, text) if text else var(name)) }}
{% endmacro %}

{% macro literal(text) %}'{{ text | string | replace("'", "''") }}'{% endmacro %}

{% macro instant(name) -%}
    ({{ literal(setting(name)) }}::timestamptz at time zone 'UTC')
{%- endmacro %}

{% macro window_start() %}{{ instant('start_date') }}{% endmacro %}
{% macro window_end() %}{{ instant('end_date') }}{% endmacro %}

{# Whole numbers, so that a sum doesn't depend on the order of its rows. #}
{% macro time_inside(start, end) -%}
    case
        when {{ start }} is null then 0
        else greatest(
            epoch_us(
                least(coalesce({{ end }}, 'infinity'), {{ window_end() }}) - greatest({{ start }}, {{ window_start() }})
            ),
            0
        )
    end
{%- endmacro %}

{% macro bucket() -%}
    {%- set units = {'m': 'minutes', 'h': 'hours', 'd': 'days', 'w': 'weeks', 'mo': 'months', 'y': 'years'} -%}
    {%- set found = modules.re.fullmatch('([1-9][0-9]{0,5})(m|h|d|w|mo|y)', setting('resample') or '1h') -%}
    interval '{{ found.group(1) }} {{ units[found.group(2)] }}'
{%- endmacro %}

{# Months end where they end: 31 January, 28 February, 31 March. #}
{% macro ticks() -%}
    {%- if not setting('resample') -%}
    (select {{ window_start() }} as ts)
    {%- else -%}
    (
        select {{ window_start() }} + n * {{ bucket() }} as ts
        from (
            select unnest(range(
                (epoch({{ window_end() }} - {{ window_start() }}) / epoch({{ bucket() }}) * 1.1 + 2)::bigint
            )) as n
        )
        where ts < {{ window_end() }}
    )
    {%- endif -%}
{%- endmacro %}

{% macro resources() %}{{ return(['nodes', 'vcpus', 'vcpus_overcommit', 'memory_mb', 'disk_gb']) }}{% endmacro %}

{% macro is_instant(text) %}
    {%- set time = '[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{6})?)?(Z|z|[+-][0-9]{2}:[0-9]{2})?' -%}
    {{ return(modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]' ~ time ~ ')?', text)
        and run_query("select try_cast(" ~ literal(text) ~ " as timestamptz) is not null").columns[0].values()[0]) }}
{% endmacro %}

{% macro needed_vars() %}{{ return(['site', 'data_dir', 'output', 'start_date', 'end_date']) }}{% endmacro %}

{% macro wrong_vars() %}
    {%- set wrong = [] -%}
    {%- do wrong.extend(publisher('vars', {'given': invocation_args_dict.vars | list}).wrong) -%}
    {%- for name in needed_vars() if setting(name) is none or setting(name) | string == '' -%}
        {%- do wrong.append("missing --vars " ~ name ~ " (needed: " ~ needed_vars() | join(', ')
            ~ "; or the variable CHAMELEON_USAGE_" ~ name | upper ~ ")") -%}
    {%- endfor -%}
    {%- if not wrong -%}
        {%- if not modules.re.fullmatch('[A-Za-z0-9][A-Za-z0-9_.-]*', setting('site') | string) -%}
            {%- do wrong.append("site may only hold letters, digits, _ . and -: " ~ setting('site')) -%}
        {%- endif -%}
        {%- for name in ['start_date', 'end_date'] if not is_instant(setting(name) | string) -%}
            {%- do wrong.append(name ~ " is not a date or ISO date-time: " ~ setting(name)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not wrong and not run_query("select " ~ window_start() ~ " < " ~ window_end()).columns[0].values()[0] -%}
        {%- set dates = [setting('start_date'), setting('end_date')] -%}
        {%- do wrong.append("start_date " ~ dates[0] ~ " is not before end_date " ~ dates[1]) -%}
    {%- endif -%}
    {%- set length = setting('resample') -%}
    {%- if length and not modules.re.fullmatch('[1-9][0-9]{0,5}(m|h|d|w|mo|y)', length | string) -%}
        {%- do wrong.append("resample is not a length like 15m, 1h, 1d, 7d, 1w, 1mo, 1y: " ~ length) -%}
    {%- endif -%}
    {%- for name in ['has_blazar', 'wide'] if setting(name) is not boolean -%}
        {%- do wrong.append(name ~ " is not true or false: " ~ setting(name)) -%}
    {%- endfor -%}
    {%- set ratio = setting('default_cpu_allocation_ratio') -%}
    {%- if ratio is boolean or not (ratio is number and 0 < ratio < 1e6) -%}
        {%- do wrong.append("default_cpu_allocation_ratio is not a number above 0: " ~ ratio) -%}
    {%- endif -%}
    {{ return(wrong) }}
{% endmacro %}

{% macro warn_of(inputs) %}
    {%- set doubts = inputs.doubts -%}
    {%- set at = inputs.snapshot_at -%}
    {%- if at and run_query("select " ~ window_end() ~ " > " ~ literal(at) ~ "::timestamp").columns[0].values()[0] -%}
        {%- do doubts.append('the window ends after the extraction (' ~ at
            ~ ' UTC): what was open then counts as open') -%}
    {%- endif -%}
    {%- for doubt in doubts %}{% do exceptions.warn(setting('data_dir') ~ ': ' ~ doubt) %}{% endfor -%}
{% endmacro %}

{% macro check_run() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed'] -%}
        {%- set wrong = wrong_vars() -%}
        {%- if not wrong -%}
            {%- set inputs = publisher('connect', of_run()) -%}
            {%- if inputs.failed and not setting('allow_failed') -%}
                {%- do wrong.append('the last extraction into ' ~ setting('data_dir') ~ ' failed to copy '
                    ~ inputs.failed | join(', ')
                    ~ '; extract again, or go on with what is there: --allow-failed (var allow_failed: true)') -%}
            {%- endif -%}
            {%- do wrong.extend(wrong_inputs()) -%}
            {%- do wrong.extend(wrong_database()) -%}
            {%- if not wrong %}{% do warn_of(inputs) %}{% endif -%}
        {%- endif -%}
        {%- if wrong %}{{ exceptions.raise_compiler_error(wrong | join('\n')) }}{% endif -%}
    {%- endif -%}
{% endmacro %}
