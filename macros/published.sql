{#
    Check, then publish. A `published` model is an output file: COPY writes it to a part folder of this run, and
    publish() moves the files of all published models to <output>/<site>/ when everything passed. dbt's own `external`
    writes in place before the tests run, and leaves a row of nulls for an empty model. Where nothing will be published
    (dbt run, a selection) the model is a table to look at.
#}
{% materialization published, adapter="duckdb" %}
    {%- set target = this.incorporate(type='view') -%}
    {%- if not is_whole() %}{{ return(created('table')) }}{% endif -%}
    {%- do replaced(target, 'view') -%}
    {%- if not is_wanted(model) -%}
        {%- call statement('main') -%}
            create or replace view {{ target }} as select 1 as unwanted where false
        {%- endcall -%}
        {{ return({'relations': [target]}) }}
    {%- endif -%}
    {%- set part = publisher('stage').part ~ '/' ~ this.identifier ~ '.parquet' -%}
    {{ run_hooks(pre_hooks) }}
    {# a sort that nearly fits would take all memory, and fail, before it spills #}
    {%- call statement('main') -%}
        set debug_force_external = true;
        copy ({{ sql }}) to {{ literal(part) }} (format parquet, compression zstd, kv_metadata {{ file_metadata() }})
    {%- endcall -%}
    {%- call statement('view') -%}
        set debug_force_external = false;
        create or replace view {{ target }} as select * from {{ parquet(exact_path(part)) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro file_metadata() -%}
    {%- set made_of = publisher('tables') -%}
    {%- set facts = {
        'run_id': invocation_id,
        'schema_version': made_of.schema_version,
        'site': setting('site'),
        'start_date': run_query('select ' ~ iso_text(window_start())).columns[0].values()[0],
        'end_date': run_query('select ' ~ iso_text(window_end())).columns[0].values()[0],
    } -%}
    {%- for name in ['snapshot_at', 'inputs'] if made_of[name] -%}
        {%- do facts.update({name: made_of[name]}) -%}
    {%- endfor -%}
    { {%- for name, value in facts.items() -%}
        'chameleon_usage.{{ name }}': {{ literal(value) }}{{ ', ' if not loop.last }}
    {%- endfor -%} }
{%- endmacro %}

{% macro iso_text(instant) -%}
    strftime({{ instant }}, '%Y-%m-%dT%H:%M:%S.%f')
{%- endmacro %}

{# dbt compile and docs have no on-run-start, which connects. #}
{% macro publisher(action, facts={}) %}
    {%- set job = {'run': invocation_id} -%}
    {%- do job.update(facts) -%}
    {%- do adapter.store_relation('publisher', none, [], '', action, job) -%}
    {%- if job.is_unknown -%}
        {%- do publisher('connect', of_run()) -%}
        {{ return(publisher(action, facts)) }}
    {%- endif -%}
    {{ return(job) }}
{% endmacro %}

{% macro of_run() %}
    {{ return({
        'data_dir': setting('data_dir'),
        'folder': setting('output') ~ '/' ~ setting('site'),
        'given': invocation_args_dict.vars,
        'is_whole': flags.WHICH == 'build' and not asked_nodes() | reject('in', selected_resources) | list,
    }) }}
{% endmacro %}

{# All but the files that were not asked for, and what is tested of them. #}
{% macro asked_nodes() %}
    {%- set unasked = [] -%}
    {%- for node in published_models() if not is_wanted(node) %}{% do unasked.append(node.unique_id) %}{% endfor -%}
    {%- set asked = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ['model', 'test', 'seed'] -%}
        {%- set of_unasked = node.depends_on.nodes | select('in', unasked) | list -%}
        {%- if node.unique_id not in unasked and not of_unasked %}{% do asked.append(node.unique_id) %}{% endif -%}
    {%- endfor -%}
    {{ return(asked) }}
{% endmacro %}

{% macro is_whole() %}
    {{ return(publisher('tables').is_whole) }}
{% endmacro %}

{% macro published_models() %}
    {%- set models = graph.nodes.values() | selectattr('resource_type', 'eq', 'model') -%}
    {{ return(models | selectattr('config.materialized', 'eq', 'published') | list) }}
{% endmacro %}

{# A file of the run that waited has moved. #}
{% macro look_at_published(files) %}
    {%- for file in files if is_kept() -%}
        {%- set name = file.split('/')[-1].removesuffix('.parquet') -%}
        {%- do run_query('create or replace view ' ~ name ~ ' as select * from ' ~ parquet(exact_path(file))) -%}
    {%- endfor -%}
{% endmacro %}

{# Results alone hide deselected nodes and failures of dbt's main thread. #}
{% macro publish(results, hours, quality) %}
    {%- if execute and results and flags.WHICH in ['build', 'run', 'seed'] -%}
        {%- set ok = ['success', 'pass', 'warn', 'no-op'] -%}{# exposures are no-ops #}
        {%- set failed = results | rejectattr('status', 'in', ok) | map(attribute='node.unique_id') | list -%}
        {%- set passed = results | selectattr('status', 'in', ok) | map(attribute='node.unique_id') | list -%}
        {%- set absent = asked_nodes() | reject('in', passed + failed) | list -%}
        {%- if failed -%}
            {%- do publisher('discard') -%}
            {%- do log('chameleon_usage: nothing published; not passed: ' ~ failed | join(', '), info=true) -%}
        {%- elif absent -%}
            {%- do publisher('discard') -%}
            {%- do log('chameleon_usage: nothing published; not in this run (use dbt build without a selection): '
                ~ absent | length ~ ' models and tests', info=true) -%}
        {%- else -%}
            {%- set found = findings(quality) -%}{# it is a file of the run, which moves away #}
            {%- set files = {'files': published_files(), 'unwanted': published_files(wanted=false)} -%}
            {%- set job = publisher('publish', files) -%}
            {%- do look_at_published(job.published) -%}
            {%- do log('chameleon_usage: published ' ~ job.published | join(', '), info=true) -%}
            {%- set facts = {'files': job.published, 'hours': summary(hours), 'quality': found} -%}
            {%- do log('chameleon_usage_summary ' ~ tojson(facts), info=false) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro is_wanted(node) %}
    {%- set condition = node.config.meta.get('if') -%}
    {{ return(not condition or setting(condition)) }}
{% endmacro %}

{% macro waiting_file(relation) %}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set node = published_models() | selectattr('name', 'eq', relation.identifier) | first -%}
    {%- if not node or not is_wanted(node) %}{{ return(none) }}{% endif -%}
    {%- if flags.WHICH == 'test' -%}{# a table: it was built in part, and has no file #}
        {%- set views = "information_schema.tables where table_type = 'VIEW'" -%}
        {%- set found = run_query('select 1 from ' ~ views ~ ' and table_name = ' ~ literal(relation.identifier)) -%}
        {%- set file = setting('output') ~ '/' ~ setting('site') ~ '/' ~ relation.identifier ~ '.parquet' -%}
        {{ return(exact_path(file) if found | length else none) }}
    {%- endif -%}
    {%- if flags.WHICH == 'build' and not is_whole() %}{{ return(none) }}{% endif -%}
    {{ return(exact_path(publisher('locate').part ~ '/' ~ relation.identifier ~ '.parquet')) }}
{% endmacro %}

{% macro published_files(wanted=true) %}
    {%- set files = [] -%}
    {%- for node in published_models() if (is_wanted(node) and true or false) == wanted -%}
        {%- do files.append(node.name ~ '.parquet') -%}
    {%- endfor -%}
    {{ return(files | sort) }}
{% endmacro %}

{% macro summary(hours) %}
    {%- set rows = [] -%}
    {%- set current = hours ~ " where collector_type = 'current'" -%}
    {%- for row in run_query('select metric, resource, hours from ' ~ current).rows -%}
        {%- do rows.append([row[0], row[1], row[2] | float]) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}

{% macro findings(quality) %}
    {%- set rows = [] -%}
    {%- set columns = '"check", metric, resource, action, rows, hours, worst_at::varchar, worst_value, detail' -%}
    {%- for row in run_query('select ' ~ columns ~ ' from ' ~ quality).rows -%}
        {%- set cells = [] -%}
        {%- for cell in row -%}
            {%- do cells.append(cell if cell is none or cell is string else cell | float) -%}
        {%- endfor -%}
        {%- do rows.append(cells) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}
