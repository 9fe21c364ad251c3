"""Extraction, orchestration and presentation of chameleon-usage; the dbt models compute the numbers."""

__version__ = "0.1.0"
SCHEMA_VERSION = "1"  # of the outputs: a new one when a column goes, or changes its name, type or meaning
