"""Extraction, orchestration and presentation of chameleon-usage; the dbt models compute the numbers."""

__version__ = "0.1.0"
